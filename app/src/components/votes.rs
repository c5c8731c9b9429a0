//! Votes: how many, and one's own.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api,
    model::{Subject, Tally},
};

/// The votes on something, and buttons to vote for it or against it. What is pressed shows at once, and is taken back
/// where the server refuses it. Without JavaScript it is a form.
#[component]
pub fn Votes(
    subject: Subject,
    id: i64,
    /// As they are known here.
    #[prop(into)]
    votes: Signal<Tally>,
    /// The viewer's own: 1, -1, or 0 for none. It outlives the component, which comes and goes with what is open.
    mine: RwSignal<i64>,
    /// Whether somebody is signed in.
    may_vote: bool,
) -> impl IntoView {
    let action = ServerAction::<api::Vote>::new();
    let answered = RwSignal::new(Tally::default());
    // What is asked for: the person's own vote, and all of them with it.
    let asked = RwSignal::new(None::<(i64, i64)>);
    let failed = RwSignal::new(false);
    let known = Memo::new(move |_| {
        let mut known = votes.get();
        known.follow(answered.get());
        known.count
    });
    let shown = move || asked.get().map_or_else(|| known.get(), |(_, all)| all);
    let own = Memo::new(move |_| asked.get().map_or_else(|| mine.get(), |(own, _)| own));
    // One question at a time, so that the last wish is the last that the server hears.
    let sent = StoredValue::new(None::<i64>);
    let ask = move |value: i64| {
        let all = known.get_untracked() - mine.get_untracked() + value;
        asked.set(Some((value, all)));
        failed.set(false);
        if sent.get_value().is_none() {
            sent.set_value(Some(value));
            action.dispatch(api::Vote { subject, id, value });
        }
    };
    Effect::new(move |_| {
        let answer = action.value().get();
        let Some((wish, _)) = asked.get_untracked() else {
            return;
        };
        let was = sent.get_value();
        match answer {
            None => return,
            Some(Ok(voted)) => {
                mine.set(voted.mine);
                answered.update(|known| known.follow(voted.votes));
                if was != Some(wish) {
                    // Something else is wanted by now.
                    sent.set_value(Some(wish));
                    action.dispatch(api::Vote {
                        subject,
                        id,
                        value: wish,
                    });
                    return;
                }
            }
            Some(Err(_)) => failed.set(true),
        }
        sent.set_value(None);
        asked.set(None);
    });
    let button = move |value: i64, label: &'static str, path: &'static str| {
        let next = move || if own.get() == value { 0 } else { value };
        view! {
            <button
                type="submit"
                name="value"
                class="vote"
                value=move || next().to_string()
                aria-pressed=move || (own.get() == value).to_string()
                aria-label=label
                on:click=move |event| {
                    event.prevent_default();
                    ask(if own.get_untracked() == value { 0 } else { value });
                }
            >
                <svg viewBox="0 0 12 12" aria-hidden="true"><path d=path/></svg>
            </button>
        }
    };
    let count = view! {
        <span class="votes-count">
            {shown}
            <span class:visually-hidden=may_vote>{move || if shown() == 1 { " vote" } else { " votes" }}</span>
        </span>
    };
    if !may_vote {
        return view! { <div class="votes">{count}</div> }.into_any();
    }
    view! {
        <form
            class="votes"
            method="post"
            action=api::Vote::url()
            role="group"
            aria-label="Vote"
            data-pending=move || asked.get().is_some().to_string()
        >
            <input type="hidden" name="subject" value=subject.name()/>
            <input type="hidden" name="id" value=id/>
            {button(1, "Vote for it", "M6 3l4.5 6h-9z")}
            {count}
            {button(-1, "Vote against it", "M6 9L1.5 3h9z")}
            <span class="votes-failed" role="alert">{move || failed.get().then_some("Not counted. Try again?")}</span>
        </form>
    }
    .into_any()
}
