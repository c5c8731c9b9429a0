//! Where the person is signed in.

use leptos::prelude::*;
use leptos_realtime::TimeAgo;

use crate::{
    api::{EndSession, SignOutEverywhere, my_sessions},
    components::use_account,
    model::Session,
    pages::sign_in::refusal,
};

#[component]
pub(super) fn Sessions() -> impl IntoView {
    let account = use_account();
    let end = ServerAction::<EndSession>::new();
    let sessions = Resource::new(
        move || (account.changes.get(), end.version().get()),
        |_| my_sessions(),
    );
    let by_hand = ServerAction::<SignOutEverywhere>::new();
    let action = account.sign_out_everywhere;
    let error = move || {
        let values = [action.value(), by_hand.value(), end.value()];
        values.into_iter().find_map(refusal)
    };
    let shown = move || {
        Suspend::new(async move {
            let sessions = sessions.await.unwrap_or_default();
            (!sessions.is_empty()).then(|| {
                let lines = sessions
                    .into_iter()
                    .map(|session| view! { <Line session end/> })
                    .collect_view();
                view! {
                    <section class="sessions" aria-labelledby="sessions">
                        <h2 id="sessions">"Where I am signed in"</h2>
                        <ul class="entries">{lines}</ul>
                        <ActionForm action>
                            <p class="error" role="alert">{error}</p>
                            <button class="button" type="submit" disabled=move || action.pending().get()>
                                "Sign out everywhere"
                            </button>
                            <p class="help">"On every device, this one too, and at once."</p>
                        </ActionForm>
                    </section>
                }
            })
        })
    };
    view! { <Transition>{shown}</Transition> }
}

#[component]
fn Line(session: Session, end: ServerAction<EndSession>) -> impl IntoView {
    let about = format!(" {}, last used", session.device);
    let sign_out = (!session.here).then(|| {
        view! {
            <ActionForm action=end>
                <input type="hidden" name="session" value=session.id/>
                <button class="quiet" type="submit" disabled=move || end.pending().get()>
                    "Sign out"
                    <span class="visually-hidden">{about} " " <TimeAgo at=session.seen.unsigned_abs()/></span>
                </button>
            </ActionForm>
        }
    });
    view! {
        <li class="entry session">
            <p class="session-device">
                {session.device}
                {session.here.then(|| view! { <span class="here-now">"this browser"</span> })}
            </p>
            <p class="meta">
                "Signed in " <TimeAgo at=session.created.unsigned_abs()/>
                {(!session.here).then(|| view! { ", last used " <TimeAgo at=session.seen.unsigned_abs()/> })}
            </p>
            {sign_out}
        </li>
    }
}
