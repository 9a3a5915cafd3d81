// Opens reports in Chromium as readers do: nothing may be asked of the network, nothing may be refused by the page's own
// policy, a recording has to play, and axe has to find nothing. Leaves pictures and a PDF beside them.
//
//   REPORT_DIRECTORY=/tmp/reports cargo test -p fieldlink-evidence for_the_eye
//   npm install playwright-core axe-core
//   CHROMIUM=/usr/bin/chromium node report.mjs /tmp/reports
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";

const require = createRequire(join(process.cwd(), "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const directory = resolve(process.argv[2]);
const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];

async function problemsOf(browser, language, width) {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  const problems = [];
  page.on("console", (said) => ["error", "warning"].includes(said.type()) && problems.push(said.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => request.url().startsWith("file:") || problems.push(`asked for ${request.url()}`));
  const name = join(directory, `report-${language}`);
  await page.goto(`file://${name}.html`);
  await page.screenshot({ path: `${name}-${width}.png`, fullPage: true });
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) problems.push("it is too wide");
  await page.locator("button[data-cast]").first().click();
  await page.waitForFunction(() => document.querySelector(".player .ap-term")?.textContent.includes("lidar"));
  await page.locator(".player").first().screenshot({ path: `${name}-${width}-player.png` });
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document));
  problems.push(...violations.map(({ id, nodes }) => `axe: ${id}: ${nodes[0].html}`));
  await page.pdf({ path: `${name}.pdf`, preferCSSPageSize: true });
  await page.close();
  return problems.map((problem) => `${language}, ${width} px: ${problem}`);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
const problems = [];
for (const language of ["en", "de"]) {
  for (const width of [1280, 390]) problems.push(...(await problemsOf(browser, language, width)));
}
await browser.close();
problems.forEach((problem) => console.error(problem));
process.exitCode = problems.length === 0 ? 0 : 1;
