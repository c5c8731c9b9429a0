// A person at a computer and on a phone.
import { devices } from "@playwright/test";
import { expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

test("a person on two devices is one, and closing one of them changes nothing for others", async ({ person }) => {
  const ada = await person("Ada");
  const gone: string[] = [];
  ada.page.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => {
      if (String(payload).includes('"room":"board:1"') && String(payload).includes('"gone"')) gone.push(String(payload));
    }),
  );
  const { defaultBrowserType: _, ...pixel } = devices["Pixel 7"];
  const computer = await person("Bob");
  const phone = await person("Bob", pixel);
  await ada.page.goto(SQUARE);
  await ada.settled();
  await computer.page.goto(SQUARE);
  const face = (on: string) => ada.page.getByRole("img", { name: `Bob, online (${on})`, exact: true });
  await expect(face("computer")).toBeVisible();
  await phone.page.goto(SQUARE);
  await expect(face("computer and phone")).toBeVisible();
  await expect(ada.here("Bob")).toHaveCount(1);
  await expect(ada.page.getByRole("heading", { name: "2 people here" })).toBeVisible();

  await computer.page.close();
  await expect(face("phone")).toBeVisible();
  await expect(ada.here("Bob")).toHaveCount(1);
  await expect(ada.page.getByRole("heading", { name: "2 people here" })).toBeVisible();
  expect(gone).toEqual([]);
  await phone.page.close();
  await expect(ada.here("Bob")).toHaveCount(0);
  expect(gone).toHaveLength(1);
});
