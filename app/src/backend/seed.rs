//! What a new forum shows: a small town, so that every page looks lived in from the first start.

use sqlx::SqlitePool;

use super::clock::now;

const PEOPLE: &[&str] = &[
    "Maren Holt",
    "Tomás Rey",
    "Ines Okafor",
    "Jonas Blum",
    "مريم حداد",
    "Lena Arvidsson",
];

struct Community {
    slug: &'static str,
    name: &'static str,
    about: &'static str,
    /// Whether whoever is new is a member.
    open: bool,
    /// The communities that hear of its posts, by their slugs.
    partners: &'static [&'static str],
    boards: &'static [Board],
}

struct Board {
    slug: &'static str,
    name: &'static str,
    about: &'static str,
    /// Author, minutes ago, title, text; the oldest first.
    posts: &'static [(usize, i64, &'static str, &'static str)],
}

const TOWN: &[Community] = &[
    Community {
        slug: "harbour",
        name: "Harbour Quarter",
        about: "Neighbours between the old docks and the market hall.",
        open: true,
        partners: &[],
        boards: &[
            Board {
                slug: "square",
                name: "The square",
                about: "What is going on, and what could be.",
                posts: &[
                    (
                        1,
                        60 * 30,
                        "The clock on the market hall is right again",
                        "After eleven years. I set my watch by it this morning, and then stood there a while longer than I needed to.",
                    ),
                    (
                        0,
                        60 * 22,
                        "Saturday market moves to the east side",
                        "The paving on the west side is being redone until the end of the month. Stalls keep their numbers, just mirrored; the baker is now at the fountain.\n\nIf you come by cargo bike, use the ramp by the library.",
                    ),
                    (
                        4,
                        60 * 9,
                        "Who plays an instrument?",
                        "We are three (oud, clarinet, and a very patient cello) and would like to be five by spring. Sundays at the boat house, no audience, plenty of tea.",
                    ),
                    (
                        3,
                        95,
                        "Street lamps on Rope Walk",
                        "Two lamps between 14 and 20 have been out since Tuesday. I reported them; the ticket says ten working days. If you walk there at night, the parallel lane is lit.",
                    ),
                ],
            },
            Board {
                slug: "repair",
                name: "Repair café",
                about: "Bring it, open it, learn why it stopped.",
                posts: &[
                    (
                        2,
                        60 * 50,
                        "This month: lamps, radios, anything with a zip",
                        "We are in the back room of the library on Thursday from five. Tools are there. Please bring the screws as well.",
                    ),
                    (
                        5,
                        60 * 4,
                        "Looking for a belt for a 1978 turntable",
                        "Flat, 4 mm wide, about 58 cm around. The usual shops only have round ones. Has anyone made their own?",
                    ),
                ],
            },
            Board {
                slug: "borrow",
                name: "Borrow and lend",
                about: "Ladders, tents, cake tins.",
                posts: &[(
                    3,
                    60 * 70,
                    "Long ladder, two weekends free",
                    "Seven metres, aluminium, lives in our stairwell. Just ring at Blum.",
                )],
            },
        ],
    },
    Community {
        slug: "orchard",
        name: "Orchard Hill",
        about: "Gardens, goats and the last bus.",
        open: true,
        partners: &[],
        boards: &[Board {
            slug: "gardens",
            name: "Gardens",
            about: "What grows, what does not.",
            posts: &[(
                5,
                60 * 14,
                "Frost tonight",
                "The thermometer by the pump went to one degree at six. Cover the chard, bring in the lemon.",
            )],
        }],
    },
    Community {
        slug: "lantern",
        name: "Lantern Street",
        about: "A workshop street with late lights. Its people are made members by each other.",
        open: false,
        partners: &["harbour"],
        boards: &[Board {
            slug: "benches",
            name: "At the benches",
            about: "What is being made, mended and given away.",
            posts: &[
                (
                    3,
                    60 * 26,
                    "The kiln is free on Thursday",
                    "Room for about forty cups. Bring them dry, and bring a name on the bottom.",
                ),
                (
                    5,
                    60 * 5,
                    "Two chairs, no owner",
                    "Left under the lantern since Sunday. I have glued one of them; the other one only needs somebody to sit on it.",
                ),
            ],
        }],
    },
];

/// Fills an empty database.
pub(super) async fn fill_if_empty(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin_with("begin immediate").await?;
    let communities: i64 = sqlx::query_scalar("select count(*) from community")
        .fetch_one(&mut *tx)
        .await?;
    if communities > 0 {
        return Ok(());
    }
    let now = now();
    let mut people = Vec::new();
    for name in PEOPLE {
        let id: i64 =
            sqlx::query_scalar("insert into person (name, created) values ($1, $2) returning id")
                .bind(name)
                .bind(now)
                .fetch_one(&mut *tx)
                .await?;
        people.push(id);
    }
    for town in TOWN {
        let community: i64 = sqlx::query_scalar(
            "insert into community (slug, name, about, open) values ($1, $2, $3, $4) returning id",
        )
        .bind(town.slug)
        .bind(town.name)
        .bind(town.about)
        .bind(i64::from(town.open))
        .fetch_one(&mut *tx)
        .await?;
        let members = if town.open { &people[..] } else { &people[3..] };
        for person in members {
            sqlx::query("insert into membership (community, person) values ($1, $2)")
                .bind(community)
                .bind(person)
                .execute(&mut *tx)
                .await?;
        }
        for board in town.boards {
            let id: i64 = sqlx::query_scalar(
                "insert into board (community, slug, name, about) values ($1, $2, $3, $4) returning id",
            )
            .bind(community)
            .bind(board.slug)
            .bind(board.name)
            .bind(board.about)
            .fetch_one(&mut *tx)
            .await?;
            for (author, minutes_ago, title, body) in board.posts {
                sqlx::query("insert into post (board, author, title, body, created) values ($1, $2, $3, $4, $5)")
                    .bind(id)
                    .bind(people[*author])
                    .bind(title)
                    .bind(body)
                    .bind(now - minutes_ago * 60_000)
                    .execute(&mut *tx)
                    .await?;
            }
        }
    }
    for town in TOWN {
        for partner in town.partners {
            sqlx::query(
                "insert into community_partnership (origin, partner, status, created)
                 select o.id, p.id, 'active', $3 from community o, community p where o.slug = $1 and p.slug = $2",
            )
            .bind(town.slug)
            .bind(partner)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        }
    }
    tx.commit().await
}
