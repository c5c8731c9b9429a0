use tokio::time::advance;

use super::*;

fn ada() -> UserId {
    UserId::from(1)
}

fn limiter(change: impl FnOnce(&mut Limits)) -> Limiter {
    let mut limits = Limits::default();
    change(&mut limits);
    Limiter::new(limits, Monotonic::start())
}

/// How often in a row it is allowed.
fn allowed(limiter: &Limiter, kind: Kind, tab: &ConnectionLimits, who: Option<&UserId>) -> u32 {
    (0..10_000)
        .take_while(|_| limiter.check(kind, tab, who, 1).is_ok())
        .count() as u32
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_use_its_burst_at_once_and_then_its_rate() {
    let limiter = limiter(|_| {});
    let tab = limiter.connection();
    for (kind, burst, per_second) in [
        (Kind::Command, 60, 20),
        (Kind::Join, 200, 20),
        (Kind::Signal, 30, 10),
    ] {
        assert_eq!(allowed(&limiter, kind, &tab, None), burst);
        advance(Duration::from_secs(1)).await;
        assert_eq!(allowed(&limiter, kind, &tab, None), per_second);
    }
    advance(Duration::from_secs(3600)).await;
    assert_eq!(
        allowed(&limiter, Kind::Command, &tab, None),
        60,
        "a pause gives no more than the burst"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_how_long_to_wait_and_waiting_so_long_helps() {
    let limiter = limiter(|_| {});
    let tab = limiter.connection();
    allowed(&limiter, Kind::Command, &tab, None);
    let refused = limiter.check(Kind::Command, &tab, None, 1).unwrap_err();
    assert_eq!(
        refused,
        OverLimit::RetryAfter(Kind::Command, Duration::from_millis(50))
    );
    advance(Duration::from_millis(49)).await;
    assert!(limiter.check(Kind::Command, &tab, None, 1).is_err());
    advance(Duration::from_millis(1)).await;
    assert!(limiter.check(Kind::Command, &tab, None, 1).is_ok());
    let error = ProtocolError::from(refused);
    assert_eq!(error.code, ErrorCode::LimitExceeded);
    assert_eq!(error.retry_after_ms, Some(50));
}

#[tokio::test(start_paused = true)]
async fn rooms_are_counted_not_messages_and_a_message_is_taken_whole_or_not_at_all() {
    let limiter = limiter(|_| {});
    let tab = limiter.connection();
    for _ in 0..3 {
        assert!(limiter.check(Kind::Join, &tab, None, 64).is_ok());
    }
    assert_eq!(
        limiter.check(Kind::Join, &tab, None, 9),
        Err(OverLimit::RetryAfter(Kind::Join, Duration::from_millis(50)))
    );
    assert!(
        limiter.check(Kind::Join, &tab, None, 8).is_ok(),
        "the refusal took nothing"
    );
    assert!(limiter.check(Kind::Join, &tab, None, 0).is_ok());
}

#[tokio::test(start_paused = true)]
async fn more_than_the_budget_ever_holds_is_an_error_without_a_time_to_wait() {
    let limiter = limiter(|limits| limits.joins_per_person = Rate::of(1, 100));
    let tab = limiter.connection();
    assert_eq!(
        limiter.check(Kind::Join, &tab, None, 201),
        Err(OverLimit::AtMost(Kind::Join, 200))
    );
    let refused = limiter.check(Kind::Join, &tab, Some(&ada()), 101);
    assert_eq!(refused, Err(OverLimit::AtMost(Kind::Join, 100)));
    assert_eq!(
        ProtocolError::from(refused.unwrap_err()).retry_after_ms,
        None
    );
    assert_eq!(
        allowed(&limiter, Kind::Join, &tab, None),
        200,
        "neither took anything"
    );
}

#[tokio::test(start_paused = true)]
async fn a_persons_tabs_share_one_budget_and_other_people_have_their_own() {
    let limiter = limiter(|_| {});
    let all: u32 = (0..9)
        .map(|_| {
            let tab = limiter.connection();
            allowed(&limiter, Kind::Command, &tab, Some(&ada()))
        })
        .sum();
    assert_eq!(all, 180);
    let tab = limiter.connection();
    assert_eq!(
        allowed(&limiter, Kind::Command, &tab, Some(&UserId::from(2))),
        60
    );
}

#[tokio::test(start_paused = true)]
async fn a_tab_that_floods_leaves_the_persons_other_tabs_their_share() {
    let limiter = limiter(|_| {});
    let (loud, quiet) = (limiter.connection(), limiter.connection());
    for _ in 0..10_000 {
        let _ = limiter.check(Kind::Command, &loud, Some(&ada()), 1);
    }
    assert_eq!(allowed(&limiter, Kind::Command, &quiet, Some(&ada())), 60);
}

#[tokio::test(start_paused = true)]
async fn too_many_refusals_within_the_window_end_the_connection() {
    let limiter = limiter(|_| {});
    let tab = limiter.connection();
    for _ in 0..49 {
        assert_eq!(tab.refused(), Flood::No);
    }
    assert_eq!(tab.refused(), Flood::Disconnect);
    assert_eq!(tab.refused(), Flood::Disconnect);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_forgotten_after_the_window_but_not_for_what_was_carried_out() {
    let limiter = limiter(|limits| limits.floods = 3);
    let tab = limiter.connection();
    assert_eq!(tab.refused(), Flood::No);
    advance(Duration::from_secs(9)).await;
    assert_eq!(tab.refused(), Flood::No);
    advance(Duration::from_secs(1)).await;
    assert_eq!(tab.refused(), Flood::No, "a window of its own");
    assert!(limiter.check(Kind::Command, &tab, None, 1).is_ok());
    assert_eq!(tab.refused(), Flood::No);
    assert_eq!(tab.refused(), Flood::Disconnect);
}

#[tokio::test(start_paused = true)]
async fn one_refusal_is_enough_where_the_host_says_so() {
    let limiter = limiter(|limits| limits.floods = 1);
    assert_eq!(limiter.connection().refused(), Flood::Disconnect);
}

#[tokio::test(start_paused = true)]
async fn people_are_forgotten_when_their_budget_is_full_again_and_not_before() {
    let limiter = limiter(|_| {});
    for person in 0..100 {
        let tab = limiter.connection();
        let _ = limiter.check(Kind::Command, &tab, Some(&UserId::from(person)), 1);
    }
    let tab = limiter.connection();
    assert!(limiter.check(Kind::Command, &tab, Some(&ada()), 59).is_ok());
    advance(Duration::from_millis(500)).await;
    limiter.maintain();
    assert_eq!(limiter.people.commands.len(), 1);
    advance(Duration::from_millis(600)).await;
    limiter.maintain();
    assert!(limiter.people.commands.is_empty());
}

#[tokio::test(start_paused = true)]
async fn extreme_rates_do_no_harm() {
    let most = Rate::of(u32::MAX, u32::MAX);
    let slow = Rate::of(1, u32::MAX);
    let limiter = limiter(|limits| {
        limits.commands_per_connection = most;
        limits.commands_per_person = slow;
    });
    let tab = limiter.connection();
    assert!(
        limiter
            .check(Kind::Command, &tab, Some(&ada()), u32::MAX)
            .is_ok()
    );
    let refused = limiter.check(Kind::Command, &tab, Some(&ada()), u32::MAX);
    let Err(over @ OverLimit::RetryAfter(..)) = refused else {
        panic!("{refused:?}");
    };
    assert!(ProtocolError::from(over).retry_after_ms.is_some());
}
