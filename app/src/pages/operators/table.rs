//! The instances, one row each.

use leptos::prelude::*;

use super::figures::answered;
use crate::operators::{Node, NodeStatus, Nodes, Standing, bytes, count, rate, span};

/// What is shown of what is not known.
const UNKNOWN: &str = "–";

/// The columns after the instance's name, and how it is.
const COLUMNS: [&str; 7] = [
    "Connections",
    "Rooms",
    "Published",
    "Delivered",
    "Unsent",
    "Slow reads",
    "Database",
];

#[component]
pub(super) fn Instances(nodes: RwSignal<Nodes>) -> impl IntoView {
    let runs = move || {
        nodes.with(|nodes| {
            let all = nodes.all().iter();
            all.map(|node| node.run.clone()).collect::<Vec<_>>()
        })
    };
    let is_empty = move || nodes.with(|nodes| nodes.all().is_empty());
    // On a phone each row is a block, which takes a table's meaning from it: so that is said.
    view! {
        <section aria-labelledby="instances">
            <h2 id="instances">"Instances"</h2>
            <table class="instances" role="table" aria-labelledby="instances">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Instance"</th>
                        <th role="columnheader" scope="col">"State"</th>
                        {COLUMNS.map(|name| view! { <th role="columnheader" scope="col" class="number">{name}</th> })}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    <For each=runs key=Clone::clone let:run>
                        <Instance nodes run/>
                    </For>
                </tbody>
            </table>
            <Show when=is_empty>
                <p class="meta">"No instance has been heard of for a while."</p>
            </Show>
        </section>
    }
    .into_any()
}

#[component]
fn Instance(nodes: RwSignal<Nodes>, run: String) -> impl IntoView {
    let row = {
        let run = run.clone();
        // Of the row that is about to go, what it was.
        Memo::new(move |before: Option<&Row>| {
            nodes.with(|nodes| {
                let node = nodes.all().iter().find(|node| node.run == run);
                let now = node.map(|node| Row::of(node, nodes.standing(node)));
                now.or_else(|| before.cloned()).unwrap_or_default()
            })
        })
    };
    let cells = COLUMNS.into_iter().enumerate().map(|(at, name)| {
        let cell = move || row.with(|row| row.cells[at].clone());
        view! { <td role="cell" class="number" data-name=name>{cell}</td> }
    });
    view! {
        <tr role="row" data-run=run data-state=move || row.with(|row| row.state)>
            <th role="rowheader" scope="row">
                <bdi>{move || row.with(|row| row.name.clone())}</bdi>
                <span class="meta">{move || row.with(|row| row.about.clone())}</span>
            </th>
            <td role="cell" data-name="State">
                <span>
                    <span class="dot" data-status=move || row.with(|row| row.dot)></span>
                    {move || row.with(|row| row.words)}
                </span>
            </td>
            {cells.collect_view()}
        </tr>
    }
    .into_any()
}

/// A row's texts.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    name: String,
    about: String,
    state: &'static str,
    dot: &'static str,
    words: &'static str,
    cells: [String; COLUMNS.len()],
}

impl Row {
    fn of(node: &Node, standing: Standing) -> Self {
        let report = node.report.as_ref();
        let (state, dot, words) = match (standing, report.map(|report| report.status)) {
            (Standing::Silent, _) => ("silent", "gone", "Silent"),
            (_, None) if node.leaving => ("leaving", "away", "Leaving"),
            (_, None) | (Standing::Expected, _) => ("expected", "gone", "Not heard yet"),
            (_, Some(NodeStatus::Draining)) => ("leaving", "away", "Leaving"),
            (_, Some(NodeStatus::Unready)) => ("unready", "away", "No database"),
            (_, Some(NodeStatus::Degraded)) => ("degraded", "away", "Cut off"),
            (_, Some(NodeStatus::Ready)) => ("ready", "online", "Ready"),
        };
        let about = report.map(|report| {
            let up = span(report.uptime);
            format!("{} · up {up}", report.version)
        });
        let figure = |of: fn(&crate::operators::NodeReport) -> String| {
            // What a silent one carried is not what it carries.
            let known = report.filter(|_| standing == Standing::Heard);
            known.map_or_else(|| UNKNOWN.to_owned(), of)
        };
        let done = |of: fn(&crate::operators::Rates) -> f64| {
            let known = node.rates.filter(|_| standing == Standing::Heard);
            known.map_or_else(|| UNKNOWN.to_owned(), |rates| rate(of(&rates)))
        };
        Self {
            name: node.name.clone(),
            about: about.unwrap_or_default(),
            state,
            dot,
            words,
            cells: [
                figure(|one| count(one.now.connections as f64)),
                figure(|one| count(one.now.rooms as f64)),
                done(|rates| rates.published),
                done(|rates| rates.delivered),
                figure(|one| bytes(one.now.unsent as f64)),
                done(|rates| rates.slow),
                figure(|one| answered(one.database)),
            ],
        }
    }
}
