//! In which order comments are shown: each followed by what answers it.

use std::collections::HashMap;

use crate::model::Comment;

/// The deepest that answers are moved in, as `style/comments.css` knows; those below stand under each other.
pub(super) const DEEPEST: usize = 4;

/// A comment's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) id: i64,
    /// How far it is moved in.
    pub(super) depth: usize,
}

/// The rows of these comments, which are in the order of their ids. What answers a comment that is not among them stands
/// on its own.
pub(super) fn rows(comments: &[Comment]) -> Vec<Row> {
    let known: HashMap<i64, usize> = comments
        .iter()
        .enumerate()
        .map(|(place, comment)| (comment.id, place))
        .collect();
    let mut answers: Vec<Vec<usize>> = vec![Vec::new(); comments.len()];
    let mut first = Vec::new();
    for (place, comment) in comments.iter().enumerate() {
        // Only what came before can be answered: so there are no circles.
        match comment.parent.and_then(|parent| known.get(&parent)) {
            Some(parent) if *parent < place => answers[*parent].push(place),
            _ => first.push(place),
        }
    }
    let mut rows = Vec::with_capacity(comments.len());
    let mut next: Vec<(usize, usize)> = first.into_iter().rev().map(|place| (place, 0)).collect();
    while let Some((place, depth)) = next.pop() {
        let id = comments[place].id;
        rows.push(Row {
            id,
            depth: depth.min(DEEPEST),
        });
        next.extend(
            answers[place]
                .iter()
                .rev()
                .map(|answer| (*answer, depth + 1)),
        );
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Person, Tally};

    fn comments(parents: &[(i64, Option<i64>)]) -> Vec<Comment> {
        let comment = |(id, parent): &(i64, Option<i64>)| Comment {
            id: *id,
            parent: *parent,
            author: Person {
                id: 1,
                name: String::new(),
            },
            body: String::new(),
            html: String::new(),
            created: 0,
            edited: None,
            deleted: false,
            version: 1,
            votes: Tally::default(),
        };
        parents.iter().map(comment).collect()
    }

    fn shown(parents: &[(i64, Option<i64>)]) -> Vec<(i64, usize)> {
        rows(&comments(parents))
            .into_iter()
            .map(|row| (row.id, row.depth))
            .collect()
    }

    #[test]
    fn a_comment_is_followed_by_what_answers_it() {
        let parents = [
            (1, None),
            (2, None),
            (3, Some(1)),
            (4, Some(2)),
            (5, Some(3)),
            (6, Some(1)),
        ];
        assert_eq!(
            shown(&parents),
            [(1, 0), (3, 1), (5, 2), (6, 1), (2, 0), (4, 1)]
        );
    }

    #[test]
    fn what_answers_something_that_is_not_here_stands_on_its_own() {
        assert_eq!(
            shown(&[(7, Some(2)), (8, Some(7)), (9, None)]),
            [(7, 0), (8, 1), (9, 0)]
        );
    }

    #[test]
    fn long_threads_are_moved_in_so_far_and_no_farther() {
        let parents: Vec<_> = (1..=2_000)
            .map(|id| (id, (id > 1).then(|| id - 1)))
            .collect();
        let shown = shown(&parents);
        assert_eq!(shown.len(), 2_000);
        assert!(shown.iter().all(|(_, depth)| *depth <= DEEPEST));
    }
}
