//! What a community's admins decide: partners, and who may do what.

use leptos::{either::Either, prelude::*, wasm_bindgen::JsCast};
use leptos_meta::Title;

use super::{sign_in::refusal, use_param};
use crate::{
    api::{AcceptPartnership, EndPartnership, GiveRole, ShareWith, load_manage},
    components::{BoardList, loaded, use_account},
    model::{self, CommunitySummary, Membership, Partnership, PartnershipStatus, Role},
};

/// Everything that can be done here.
#[derive(Clone, Copy)]
struct Actions {
    share: ServerAction<ShareWith>,
    accept: ServerAction<AcceptPartnership>,
    end: ServerAction<EndPartnership>,
    role: ServerAction<GiveRole>,
}

impl Actions {
    /// Counts what was done: what is shown is loaded again.
    fn done(self) -> usize {
        self.share.version().get()
            + self.accept.version().get()
            + self.end.version().get()
            + self.role.version().get()
    }

    fn refused(self) -> Option<String> {
        refusal(self.share.value())
            .or_else(|| refusal(self.accept.value()))
            .or_else(|| refusal(self.end.value()))
            .or_else(|| refusal(self.role.value()))
    }
}

#[component]
pub fn ManagePage() -> impl IntoView {
    let slug = use_param("community");
    let changes = use_account().changes;
    let actions = Actions {
        share: ServerAction::new(),
        accept: ServerAction::new(),
        end: ServerAction::new(),
        role: ServerAction::new(),
    };
    let page = Resource::new(
        move || (slug.get(), changes.get(), actions.done()),
        |(slug, _, _)| load_manage(slug),
    );
    let turn = StoredValue::new(false);
    loaded(page, move |page| {
        // Made anew each time, because a control that was touched keeps what was chosen, whoever's it is by then.
        turn.update_value(|turn| *turn = !*turn);
        let focused = focused();
        Effect::new(move |_| {
            let focused = focused.clone();
            request_animation_frame(move || focus(focused));
        });
        match turn.get_value() {
            true => Either::Left(view! { <Page page actions/> }),
            false => Either::Right(view! { <Page page actions/> }),
        }
    })
}

/// The id of what has the focus.
fn focused() -> Option<String> {
    #[cfg(feature = "hydrate")]
    return document()
        .active_element()
        .map(|element| element.id())
        .filter(|id| !id.is_empty());
    #[cfg(not(feature = "hydrate"))]
    None
}

/// Gives it back.
fn focus(id: Option<String>) {
    let found = id.and_then(|id| document().get_element_by_id(&id));
    let found = found.and_then(|found| found.dyn_into::<leptos::web_sys::HtmlElement>().ok());
    if let Some(element) = found {
        let _ = element.focus();
    }
}

#[component]
fn Page(page: model::ManagePage, actions: Actions) -> impl IntoView {
    let own = page.community.id;
    let (outgoing, incoming): (Vec<_>, Vec<_>) = page
        .partnerships
        .into_iter()
        .partition(|one| one.origin.id == own);
    let outgoing = outgoing
        .into_iter()
        .map(|one| view! { <Outgoing partnership=one actions/> })
        .collect_view();
    let incoming = incoming
        .into_iter()
        .map(|one| view! { <Incoming partnership=one actions/> })
        .collect_view();
    let propose =
        (!page.others.is_empty()).then(|| view! { <Propose own others=page.others actions/> });
    let viewer = page.viewer.id;
    let found = RwSignal::new(String::new());
    let members = page
        .members
        .into_iter()
        .map(|member| view! { <Member community=own own=member.person.id == viewer member actions found/> })
        .collect_view();
    view! {
        <Title text=format!("Partners and roles in {}", page.community.name)/>
        <div class="columns">
            <BoardList community=page.community.clone() boards=page.boards/>
            <section class="talk manage-page">
                <h1>"Partners and roles"</h1>
                <p class="lead">{format!("What admins of {} decide.", page.community.name)}</p>
                <p class="error" role="alert">{move || actions.refused()}</p>
                <h2>"What we share"</h2>
                <ul class="entries" aria-label="What we share">{outgoing}</ul>
                {propose}
                <h2>"What others share with us"</h2>
                <ul class="entries" aria-label="What others share with us">{incoming}</ul>
                <h2>"Members"</h2>
                <FindMember found/>
                <ul class="members" aria-label="Members">{members}</ul>
            </section>
        </div>
    }
    .into_any()
}

/// What is shared, to be chosen.
#[component]
fn Shared(
    /// For names that are one on the page.
    of: i64,
    posts: bool,
    comments: bool,
    presence: bool,
) -> impl IntoView {
    let choice = move |name: &'static str, label: &'static str, checked: bool| {
        view! {
            <label class="check" for=format!("{name}-{of}")>
                <input type="checkbox" id=format!("{name}-{of}") name=name value="on" checked=checked/>
                {label}
            </label>
        }
    };
    view! {
        <fieldset class="shared">
            <legend class="visually-hidden">"What is shared"</legend>
            {choice("posts", "Posts", posts)}
            {choice("comments", "Comments", comments)}
            {choice("presence", "How many are here", presence)}
        </fieldset>
    }
}

#[component]
fn Outgoing(partnership: Partnership, actions: Actions) -> impl IntoView {
    let Partnership {
        origin,
        partner,
        status,
        posts,
        comments,
        presence,
    } = partnership;
    let status = match status {
        PartnershipStatus::Proposed => "proposed: their admins have not accepted yet",
        PartnershipStatus::Active => "active",
        PartnershipStatus::Ended => "ended",
    };
    view! {
        <li class="entry">
            <h3><a href=format!("/c/{}", partner.slug)>{partner.name.clone()}</a></h3>
            <p class="meta">{status}</p>
            <ActionForm action=actions.share attr:class="partnership">
                <input type="hidden" name="origin" value=origin.id/>
                <input type="hidden" name="partner" value=partner.id/>
                <Shared of=partner.id posts comments presence/>
                <button class="button" type="submit">"Save"</button>
            </ActionForm>
            <End origin=origin.id partner=partner.id name=partner.name actions/>
        </li>
    }
    .into_any()
}

#[component]
fn Incoming(partnership: Partnership, actions: Actions) -> impl IntoView {
    let Partnership {
        origin,
        partner,
        status,
        posts,
        comments,
        presence,
    } = partnership;
    let shared: Vec<&str> = [
        (posts, "posts"),
        (comments, "comments"),
        (presence, "how many are there"),
    ]
    .into_iter()
    .filter_map(|(shared, name)| shared.then_some(name))
    .collect();
    let shared = if shared.is_empty() {
        "nothing".to_owned()
    } else {
        shared.join(", ")
    };
    let name = origin.name.clone();
    let accept = (status == PartnershipStatus::Proposed).then(|| {
        view! {
            <ActionForm action=actions.accept>
                <input type="hidden" name="origin" value=origin.id/>
                <input type="hidden" name="partner" value=partner.id/>
                <button class="button" type="submit">{format!("Accept {name}")}</button>
            </ActionForm>
        }
    });
    view! {
        <li class="entry">
            <h3><a href=format!("/c/{}", origin.slug)>{origin.name.clone()}</a></h3>
            <p class="meta">"shares " {shared} {(status == PartnershipStatus::Proposed).then_some(" · proposed")}</p>
            <div class="partnership">
                {accept}
                <End origin=origin.id partner=partner.id name=origin.name actions/>
            </div>
        </li>
    }
    .into_any()
}

#[component]
fn End(origin: i64, partner: i64, name: String, actions: Actions) -> impl IntoView {
    view! {
        <ActionForm action=actions.end>
            <input type="hidden" name="origin" value=origin/>
            <input type="hidden" name="partner" value=partner/>
            <button class="quiet" type="submit" aria-label=format!("End the partnership with {name}")>"End the partnership"</button>
        </ActionForm>
    }
}

#[component]
fn Propose(own: i64, others: Vec<CommunitySummary>, actions: Actions) -> impl IntoView {
    let options = others
        .into_iter()
        .map(|other| view! { <option value=other.id>{other.name}</option> })
        .collect_view();
    view! {
        <ActionForm action=actions.share attr:class="form composer" attr:aria-label="Propose a partnership">
            <input type="hidden" name="origin" value=own/>
            <label for="partner">"Share with"</label>
            <select id="partner" name="partner">{options}</select>
            <Shared of=0 posts=true comments=false presence=false/>
            <button class="button" type="submit">"Propose"</button>
        </ActionForm>
    }
    .into_any()
}

/// Shows those alone whose name has this in it. Where nothing runs in the page, the browser's own search does it.
#[component]
fn FindMember(found: RwSignal<String>) -> impl IntoView {
    let runs = RwSignal::new(false);
    Effect::new(move |_| runs.set(true));
    view! {
        <Show when=move || runs.get()>
            <div class="form find-member">
                <label for="find-member">"Find a member"</label>
                <input
                    id="find-member" type="search" autocomplete="off" dir="auto"
                    on:input=move |event| found.set(event_target_value(&event).trim().to_lowercase())
                />
            </div>
        </Show>
    }
}

#[component]
fn Member(
    community: i64,
    /// Whether it is the admin who looks.
    own: bool,
    member: Membership,
    actions: Actions,
    /// What is looked for in names.
    found: RwSignal<String>,
) -> impl IntoView {
    let name = member.person.name.to_lowercase();
    let hidden = move || found.with(|found| !name.contains(found.as_str()));
    let options = [
        (Role::Member, "member", "Member"),
        (Role::Moderator, "moderator", "Moderator"),
        (Role::Admin, "admin", "Admin"),
    ]
    .map(|(role, value, label)| {
        view! { <option value=value selected=role == member.role>{label}</option> }
    });
    let id = member.person.id;
    view! {
        <li class="member" hidden=hidden>
            <ActionForm action=actions.role attr:class="member-form">
                <input type="hidden" name="community" value=community/>
                <input type="hidden" name="person" value=id/>
                <label for=format!("role-{id}")>
                    <bdi>{member.person.name.clone()}</bdi> {own.then_some(" (you)")}
                </label>
                <select id=format!("role-{id}") name="role">{options.into_iter().collect_view()}</select>
                <button id=format!("save-role-{id}") class="quiet" type="submit" aria-label=format!("Save the role of {}", member.person.name)>"Save"</button>
            </ActionForm>
        </li>
    }
    .into_any()
}
