/** One picture, as the contact sheet shows it. */
export type Picture = { page: string; file: string; width: number; theme: string };

const STYLE = `
  :root { color-scheme: light dark; }
  body { margin: 2rem; font: 15px/1.5 system-ui, sans-serif; }
  nav { display: flex; flex-wrap: wrap; gap: .5rem 1rem; }
  section > div { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 1rem; }
  figure { margin: 0; }
  figcaption { max-width: 20rem; overflow-wrap: anywhere; font-size: 12px; }
  img { display: block; max-height: 32rem; object-fit: cover; object-position: top; border: 1px solid #8885; }
`;

/** All pictures on one page, grouped by what they show. */
export function sheet(pictures: Picture[]): string {
  const pages = [...new Set(pictures.map(({ page }) => page))];
  const figure = ({ file, width }: Picture) => `
      <figure>
        <a href="${file}"><img src="${file}" width="${Math.round(width / 3)}" loading="lazy" alt=""></a>
        <figcaption>${file.replace(".png", "")}</figcaption>
      </figure>`;
  const section = (page: string) => `
    <section id="${page}">
      <h2>${page}</h2>
      <div>${pictures.filter((picture) => picture.page === page).map(figure).join("")}
      </div>
    </section>`;
  return `<!DOCTYPE html>
<html lang="en">
  <head><meta charset="utf-8"><title>Every page</title><style>${STYLE}</style></head>
  <body>
    <h1>Every page</h1>
    <nav>${pages.map((page) => `<a href="#${page}">${page}</a>`).join(" ")}</nav>${pages.map(section).join("")}
  </body>
</html>
`;
}
