//! What the instances carry together, as figures and as lines.

use leptos::prelude::*;

use crate::operators::{
    Link, NodeReport, Nodes, RedisReport, Sample, Sparkline, bytes, count, milliseconds, rate,
};

/// What is shown of what is not known yet.
const UNKNOWN: &str = "–";

/// All instances together.
#[component]
pub(super) fn Together(nodes: RwSignal<Nodes>) -> impl IntoView {
    let sum = move |of: fn(&NodeReport) -> u64| {
        nodes.with(|nodes| nodes.reports().map(of).sum::<u64>() as f64)
    };
    view! {
        <ul class="figures" aria-label="All instances together">
            <Figure nodes name="Connections" of=|sample| Some(sample.connections) written=count
                more=move || match sum(|one| one.now.sessions) {
                    1.0 => "one session".to_owned(),
                    sessions => format!("{} sessions", count(sessions)),
                }/>
            <Figure nodes name="Rooms served" of=|sample| Some(sample.rooms) written=count
                more=|| "on all instances".to_owned()/>
            <Figure nodes name="Events published" of=|sample| Some(sample.published) written=rate needs_time=true
                more=move || format!("{} since they started", count(sum(|one| one.total.published)))/>
            <Figure nodes name="Events delivered" of=|sample| Some(sample.delivered) written=rate needs_time=true
                more=move || format!("{} since they started", count(sum(|one| one.total.delivered)))/>
            <Figure nodes name="Waiting to be read" of=|sample| Some(sample.unsent) written=bytes
                more=move || match nodes.with(|nodes| nodes.has_rates().then(|| nodes.total().slow)) {
                    Some(slow) => format!("buffers found full: {}", rate(slow)),
                    None => format!("buffers found full: {UNKNOWN}"),
                }/>
            <Figure nodes name="Redis answers within" of=|sample| sample.trip written=milliseconds needs_time=true
                more=move || nodes.with(|nodes| match nodes.redis() {
                    Some(RedisReport::Up(_)) => "on average, the slowest instance".to_owned(),
                    Some(RedisReport::Down) => "it does not answer".to_owned(),
                    _ => "no Redis: one instance".to_owned(),
                })/>
        </ul>
    }
    .into_any()
}

#[component]
fn Figure(
    nodes: RwSignal<Nodes>,
    name: &'static str,
    of: fn(&Sample) -> Option<f64>,
    written: fn(f64) -> String,
    /// Whether it is a difference of two reports.
    #[prop(optional)]
    needs_time: bool,
    /// What else there is to say of it.
    more: impl Fn() -> String + Send + Sync + 'static,
) -> impl IntoView {
    let now = Memo::new(move |_| {
        nodes.with(|nodes| {
            let known = nodes.has_rates() || (!needs_time && nodes.heard().next().is_some());
            let now = of(&nodes.total()).filter(|_| known);
            now.map_or_else(|| UNKNOWN.to_owned(), written)
        })
    });
    let line = Memo::new(move |_| nodes.with(|nodes| Sparkline::new(nodes.history(of))));
    // The line's scale; who does not see the line hears it with the line's words.
    let most = move || {
        let highest = line.with(Sparkline::highest);
        let highest = highest.filter(|highest| *highest > 0.0);
        highest.map(|highest| format!("up to {}", written(highest)))
    };
    view! {
        <li class="figure">
            <p class="figure-name">{name}</p>
            <p class="figure-line">
                <span class="figure-now">{now}</span>
                <span class="meta" aria-hidden="true">{most}</span>
            </p>
            <svg class="sparkline" viewBox=Sparkline::view_box() preserveAspectRatio="none" role="img"
                aria-label=move || line.with(|line| line.words(name, written))
            >
                <polyline points=move || line.with(Sparkline::points)/>
            </svg>
            <p class="meta">{more}</p>
        </li>
    }
    .into_any()
}

/// Names and what they are now.
type Facts = Vec<(&'static str, String)>;

#[component]
fn FactList(title: &'static str, id: &'static str, facts: Memo<Facts>) -> impl IntoView {
    let list = move || {
        let facts = facts.get().into_iter();
        facts
            .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
            .collect_view()
    };
    view! {
        <section aria-labelledby=id>
            <h2 id=id>{title}</h2>
            <dl class="facts">{list}</dl>
        </section>
    }
    .into_any()
}

/// How Redis is.
#[component]
pub(super) fn Redis(nodes: RwSignal<Nodes>) -> impl IntoView {
    let facts = Memo::new(move |_| nodes.with(redis));
    view! { <FactList title="Redis" id="redis" facts/> }
}

fn redis(nodes: &Nodes) -> Facts {
    let slowest = |of: fn(&NodeReport) -> Link| {
        let links = nodes.reports().map(of);
        links
            .reduce(slower)
            .map_or_else(|| UNKNOWN.to_owned(), answered)
    };
    let links = [
        ("Link for commands", slowest(|one| one.publish)),
        ("Link for messages", slowest(|one| one.subscribe)),
    ];
    match nodes.redis() {
        None => vec![("State", UNKNOWN.to_owned())],
        Some(RedisReport::Unused) => vec![(
            "State",
            "There is none: one instance, by itself. More of them need REDIS_URL.".to_owned(),
        )],
        Some(RedisReport::Down) => {
            let mut facts = vec![("State", "It does not answer.".to_owned())];
            facts.extend(links);
            facts
        }
        Some(RedisReport::Up(redis)) => {
            let memory = match redis.limit {
                0 => format!("{}, without a limit of its own", bytes(redis.memory as f64)),
                limit => format!("{} of {}", bytes(redis.memory as f64), bytes(limit as f64)),
            };
            let servers = match redis.servers {
                0 | 1 => String::new(),
                servers => format!(", {servers} servers"),
            };
            let mut facts = vec![("State", format!("up, version {}{servers}", redis.version))];
            facts.extend(links);
            facts.extend([
                ("Memory", memory),
                ("Clients", count(redis.clients as f64)),
                ("Commands", rate(redis.commands as f64)),
                ("Keys thrown away", count(redis.evicted as f64)),
            ]);
            facts
        }
    }
}

/// The one that answers later, or not at all.
fn slower(a: Link, b: Link) -> Link {
    match (a, b) {
        (Link::Down, _) | (_, Link::Down) => Link::Down,
        (Link::Up(a), Link::Up(b)) => Link::Up(a.max(b)),
        (Link::Unused, other) | (other, Link::Unused) => other,
    }
}

/// How something answers.
pub(super) fn answered(link: Link) -> String {
    match link {
        Link::Unused => "none".to_owned(),
        Link::Down => "no answer".to_owned(),
        Link::Up(micros) => milliseconds(micros as f64 / 1_000.0),
    }
}

/// What did not go as it should, since the instances started.
#[component]
pub(super) fn Trouble(nodes: RwSignal<Nodes>) -> impl IntoView {
    let facts = Memo::new(move |_| {
        nodes.with(|nodes| {
            let sum =
                |of: fn(&NodeReport) -> u64| count(nodes.reports().map(of).sum::<u64>() as f64);
            vec![
                (
                    "Events that wait to be published",
                    sum(|one| one.now.unpublished),
                ),
                (
                    "Changes others have not heard of",
                    sum(|one| one.now.untold),
                ),
                ("Events never published", sum(|one| one.total.dropped)),
                (
                    "Buffers of slow readers found full",
                    sum(|one| one.total.slow),
                ),
                ("Connections refused", sum(|one| one.total.refused)),
                ("Connections ended by us", sum(|one| one.total.ended)),
                ("Joins that had to begin anew", sum(|one| one.total.resets)),
                (
                    "Differences noticed and mended",
                    sum(|one| one.total.mended),
                ),
            ]
        })
    });
    view! { <FactList title="What went wrong, and what was mended" id="trouble" facts/> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_links_the_slower_one_is_shown() {
        assert_eq!(slower(Link::Up(3), Link::Up(7)), Link::Up(7));
        assert_eq!(slower(Link::Up(3), Link::Down), Link::Down);
        assert_eq!(slower(Link::Unused, Link::Up(3)), Link::Up(3));
        assert_eq!(slower(Link::Unused, Link::Unused), Link::Unused);
        assert_eq!(answered(Link::Up(1_500)), "1.5 ms");
    }
}
