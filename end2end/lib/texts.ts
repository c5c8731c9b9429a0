/** As long as a name may be, and nowhere a place to break it. */
export const LONG_NAME = "Wolfeschlegelsteinhausenbergerdorffwelch";

export const HEBREW_NAME = "מרים בן דוד אברהמי";

export const HEBREW_COMMENT =
  "תודה על הסיכום! אני אביא **שני שולחנות** ועגלה (כן, את ה-*cargo bike*). נפגש ב-10:30 ליד המזרקה?\n\n" +
  "> the paving on the west side\n\nהצד המערבי עדיין חסום, אז עדיף להגיע מהספרייה.";

export const LONG_TITLE = "Minutes of the neighbourhood assembly, with everything that was said about the fountain, the ramp and the bees";

const MINUTES = `We were forty-one, two dogs, and for the first half hour a very persistent wasp. Thank you to the **boat house** for the chairs, and to everyone who carried them back.

## The fountain
The pump has been repaired twice and is now older than most of the people who complain about it. Three offers are on the table; the cheapest is the one that nobody understood. We agreed to ask *one* question of all three: what happens in the fourth winter?

> If it freezes, it freezes. If it is repaired, it freezes next year. — said by several people, in different words

1. Ines asks the town for the drawings of the old pipes.
2. Tomás measures the basin, again, this time with the long tape.
3. Whoever has photographs from before 1990 brings them to the library.

## The ramp
The ramp by the library stays open during the works on the west side. It is steeper than it should be: with a loaded cargo bike the last two metres are a matter of faith. The figures, for those who like them:

| place | rise | length | steepness |
|---|---|---|---|
| library, as it is | 0.84 m | 9.1 m | 9.2 % |
| library, as it should be | 0.84 m | 14.0 m | 6.0 % |
| market hall | 0.30 m | 5.2 m | 5.8 % |

The plan is at https://example.org/plans/harbour-quarter/2026/ramps-and-kerbs/library-and-market-hall/revision-7/with-all-annexes.pdf and can be read in the reading room.

\`\`\`
steepness = rise / length          # the town's own rule: at most 6 %, and 1 m of level ground every 10 m, at the top as well
\`\`\`

## The bees
There are four hives on the roof of the market hall, and nobody is responsible for the fifth. It came by itself.
`;

const MORE = `
Somebody asked whether we are allowed to want this; somebody else answered that we have wanted it since the spring, and that nothing has happened to us so far. We wrote it down both ways.

The next assembly is on the first Tuesday after the works end, whichever Tuesday that turns out to be. Bring a chair, a question, and a neighbour who has never come.

On the bottle bank there was nothing new, which took twenty minutes. On the *benches* there was everything to say and no time left to say it: they go first next time, before the minutes and before the coffee.
`;

/** As long as a post may be. */
export const LONG_TEXT = (MINUTES + MORE.repeat(8)).slice(0, 4_000 - 1).trimEnd().padEnd(4_000, ".");

/** What people post at a board that is lived in. */
export const POSTS: [title: string, body: string][] = [
  ["Lost: a grey glove", "Left hand, wool, somewhere between the ferry and the *blue* door. Small reward, large gratitude."],
  ["Ladder to lend", "Three metres, aluminium. Comes back with fewer cobwebs than it left with."],
  ["Bread on Thursday", "The oven is hot from six. If you bring dough, bring a towel too."],
  ["Who feeds the grey cat?", "She looks like five households do."],
  ["Night bus 4 runs again", "Every half hour until one, and **until three on Saturdays**."],
  ["A quiet hour in the reading room", "Mondays at four. Nobody says anything, and it is wonderful."],
];
