//! Joining a community and leaving it.

use leptos::prelude::*;

use crate::{
    api::{JoinCommunity, LeaveCommunity},
    model::{Role, Viewer},
    pages::sign_in::refusal,
};

/// What the viewer is here, and a button that changes it. Guests are told how to become something.
#[component]
pub(super) fn Membership(
    community: i64,
    viewer: Option<Viewer>,
    /// Whether everybody may join.
    open: bool,
) -> impl IntoView {
    let (join, leave) = (
        ServerAction::<JoinCommunity>::new(),
        ServerAction::<LeaveCommunity>::new(),
    );
    let Some(viewer) = viewer else {
        return ().into_any();
    };
    let role = RwSignal::new(viewer.role);
    Effect::new(move |_| {
        if let Some(Ok(given)) = join.value().get() {
            role.set(Some(given));
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(())) = leave.value().get() {
            role.set(None);
        }
    });
    let is_member = Memo::new(move |_| role.get().is_some());
    let is = move || match role.get() {
        None if open => "You are not a member: nothing here comes to your inbox.",
        None => "You are not a member. This community chooses its members itself.",
        Some(Role::Member) => "You are a member.",
        Some(Role::Moderator) => "You are a moderator.",
        Some(Role::Admin) => "You are an admin.",
    };
    let pending = move || join.pending().get() || leave.pending().get();
    let error = move || refusal(join.value()).or_else(|| refusal(leave.value()));
    let form = move || match (is_member.get(), open) {
        (true, _) => view! {
            <ActionForm action=leave>
                <input type="hidden" name="community" value=community/>
                <button class="quiet" type="submit" disabled=pending>"Leave the community"</button>
            </ActionForm>
        }
        .into_any(),
        (false, true) => view! {
            <ActionForm action=join>
                <input type="hidden" name="community" value=community/>
                <button class="button" type="submit" disabled=pending>"Join the community"</button>
            </ActionForm>
        }
        .into_any(),
        (false, false) => ().into_any(),
    };
    view! {
        <div class="membership">
            <p class="meta" role="status">{is}</p>
            {form}
            <p class="error" role="alert">{error}</p>
        </div>
    }
    .into_any()
}
