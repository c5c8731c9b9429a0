//! The small town: its people, and what they talk about.

/// Who lives there.
pub(super) const PEOPLE: &[&str] = &[
    "Maren Holt",
    "Tomás Rey",
    "Ines Okafor",
    "Jonas Blum",
    "مريم حداد",
    "Lena Arvidsson",
];

pub(super) struct Community {
    pub(super) slug: &'static str,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Who decides there, and who else keeps it in order; of [`PEOPLE`].
    pub(super) admin: usize,
    pub(super) moderators: &'static [usize],
    /// Whether whoever is new is a member.
    pub(super) open: bool,
    /// The communities that hear of its posts, by their slugs.
    pub(super) partners: &'static [&'static str],
    pub(super) boards: &'static [Board],
}

pub(super) struct Board {
    pub(super) slug: &'static str,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// The oldest first.
    pub(super) posts: &'static [Post],
}

pub(super) struct Post {
    /// Of [`PEOPLE`].
    pub(super) author: usize,
    pub(super) minutes_ago: i64,
    pub(super) title: &'static str,
    pub(super) body: &'static str,
    /// Who votes for it.
    pub(super) votes: &'static [usize],
    /// The oldest first.
    pub(super) comments: &'static [Comment],
}

pub(super) struct Comment {
    pub(super) author: usize,
    pub(super) minutes_ago: i64,
    /// Which of the post's comments it answers, by its place.
    pub(super) answers: Option<usize>,
    pub(super) body: &'static str,
    pub(super) votes: &'static [usize],
}

/// A comment, in one line.
const fn said(
    author: usize,
    minutes_ago: i64,
    answers: Option<usize>,
    body: &'static str,
    votes: &'static [usize],
) -> Comment {
    Comment {
        author,
        minutes_ago,
        answers,
        body,
        votes,
    }
}

/// Its communities.
pub(super) const TOWN: &[Community] = &[
    Community {
        slug: "harbour",
        name: "Harbour Quarter",
        about: "Neighbours between the old docks and the market hall.",
        admin: 0,
        moderators: &[1, 2],
        open: true,
        partners: &[],
        boards: &[
            Board {
                slug: "square",
                name: "The square",
                about: "What is going on, and what could be.",
                posts: &[
                    Post {
                        author: 1,
                        minutes_ago: 60 * 30,
                        title: "The clock on the market hall is right again",
                        body: "After eleven years. I set my watch by it this morning, and then stood there a while longer than I needed to.",
                        votes: &[0, 2, 3, 5],
                        comments: &[
                            said(
                                2,
                                60 * 29,
                                None,
                                "I noticed because the pigeons were gone.",
                                &[0, 1, 3],
                            ),
                            said(
                                0,
                                60 * 28,
                                Some(0),
                                "They will be back. They have *opinions* about the hour.",
                                &[2],
                            ),
                            said(5, 60 * 20, None, "Who repaired it?", &[]),
                            said(
                                1,
                                60 * 19,
                                Some(2),
                                "Nobody says. There was a ladder, and then there was no ladder.",
                                &[0, 3, 5],
                            ),
                        ],
                    },
                    Post {
                        author: 0,
                        minutes_ago: 60 * 22,
                        title: "Saturday market moves to the east side",
                        body: "The paving on the west side is being redone until the end of the month. Stalls keep their numbers, just mirrored; the baker is now at the fountain.\n\nIf you come by cargo bike, use the ramp by the library.",
                        votes: &[1, 2, 3, 4, 5],
                        comments: &[
                            said(3, 60 * 21, None, "Does the bottle bank move too?", &[]),
                            said(0, 60 * 21, Some(0), "It stays where it is.", &[3]),
                            said(
                                4,
                                60 * 12,
                                None,
                                "Thank you for writing down the ramp. With a cello that is the difference.",
                                &[0, 2, 5],
                            ),
                        ],
                    },
                    Post {
                        author: 4,
                        minutes_ago: 60 * 9,
                        title: "Who plays an instrument?",
                        body: "We are three (oud, clarinet, and a very patient cello) and would like to be five by spring. Sundays at the boat house, no audience, plenty of tea.",
                        votes: &[0, 1, 5],
                        comments: &[
                            said(
                                5,
                                60 * 8,
                                None,
                                "I have a viola that has not been out since my exam. Is that too quiet?",
                                &[4],
                            ),
                            said(
                                4,
                                60 * 7,
                                Some(0),
                                "A viola is exactly as loud as it should be. Sunday at four?",
                                &[5, 0],
                            ),
                            said(
                                5,
                                60 * 7 - 12,
                                Some(1),
                                "I will bring it, and a cake in case.",
                                &[4],
                            ),
                            said(3, 60 * 3, None, "I can turn pages.", &[4, 5]),
                        ],
                    },
                    Post {
                        author: 3,
                        minutes_ago: 95,
                        title: "Street lamps on Rope Walk",
                        body: "Two lamps between 14 and 20 have been out since Tuesday. I reported them; the ticket says ten working days. If you walk there at night, the parallel lane is lit.",
                        votes: &[0, 2],
                        comments: &[
                            said(
                                0,
                                80,
                                None,
                                "Number 18 is mine, and I have put a lantern in the window until they come.",
                                &[2, 3, 4],
                            ),
                            said(
                                2,
                                40,
                                Some(0),
                                "I saw it from the bridge yesterday. Thank you.",
                                &[0],
                            ),
                        ],
                    },
                ],
            },
            Board {
                slug: "repair",
                name: "Repair café",
                about: "Bring it, open it, learn why it stopped.",
                posts: &[
                    Post {
                        author: 2,
                        minutes_ago: 60 * 50,
                        title: "This month: lamps, radios, anything with a zip",
                        body: "We are in the back room of the library on Thursday from five. Tools are there. Please bring the screws as well.",
                        votes: &[],
                        comments: &[],
                    },
                    Post {
                        author: 5,
                        minutes_ago: 60 * 4,
                        title: "Looking for a belt for a 1978 turntable",
                        body: "Flat, 4 mm wide, about 58 cm around. The usual shops only have round ones. Has anyone made their own?",
                        votes: &[2],
                        comments: &[
                            said(
                                2,
                                60 * 3,
                                None,
                                "Cut one from an inner tube:\n\n1. clean it,\n2. two straight lines with a **new** blade,\n3. talc.\n\nMine has run for two years.",
                                &[5, 0, 1],
                            ),
                            said(
                                5,
                                60 * 2,
                                Some(0),
                                "It turns! A little fast, which suits the record.",
                                &[2],
                            ),
                        ],
                    },
                ],
            },
            Board {
                slug: "borrow",
                name: "Borrow and lend",
                about: "Ladders, tents, cake tins.",
                posts: &[Post {
                    author: 3,
                    minutes_ago: 60 * 70,
                    title: "Long ladder, two weekends free",
                    body: "Seven metres, aluminium, lives in our stairwell. Just ring at Blum.",
                    votes: &[],
                    comments: &[],
                }],
            },
        ],
    },
    Community {
        slug: "orchard",
        name: "Orchard Hill",
        about: "Gardens, goats and the last bus.",
        admin: 5,
        moderators: &[0],
        open: true,
        partners: &[],
        boards: &[Board {
            slug: "gardens",
            name: "Gardens",
            about: "What grows, what does not.",
            posts: &[Post {
                author: 5,
                minutes_ago: 60 * 14,
                title: "Frost tonight",
                body: "The thermometer by the pump went to one degree at six. Cover the chard, bring in the lemon.",
                votes: &[3, 4],
                comments: &[said(4, 60 * 13, None, "The lemon thanks you.", &[5])],
            }],
        }],
    },
    Community {
        slug: "lantern",
        name: "Lantern Street",
        about: "A workshop street with late lights. Its people are made members by each other.",
        admin: 3,
        moderators: &[5],
        open: false,
        partners: &["harbour"],
        boards: &[Board {
            slug: "benches",
            name: "At the benches",
            about: "What is being made, mended and given away.",
            posts: &[
                Post {
                    author: 3,
                    minutes_ago: 60 * 26,
                    title: "The kiln is free on Thursday",
                    body: "Room for about forty cups. Bring them dry, and bring a name on the bottom.",
                    votes: &[],
                    comments: &[],
                },
                Post {
                    author: 5,
                    minutes_ago: 60 * 5,
                    title: "Two chairs, no owner",
                    body: "Left under the lantern since Sunday. I have glued one of them; the other one only needs somebody to sit on it.",
                    votes: &[3],
                    comments: &[said(
                        3,
                        60 * 4,
                        None,
                        "I sat on it. It holds. It is a good chair for thinking about nothing.",
                        &[5, 4],
                    )],
                },
            ],
        }],
    },
];
