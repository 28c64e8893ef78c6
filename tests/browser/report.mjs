// What a browser makes of the report page: nothing on its console, nothing that axe-core objects to, marks that
// tell their numbers by pointer and by keyboard, tables that sort and filter, and a suite of 60,000 tests on the
// screen within a second.
//
//   node tests/browser/report.mjs target/debug/shardplan [folder for screenshots]
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [binary, pictures] = process.argv.slice(2).map((path) => resolve(path));
// `SHARDPLAN_NODE_MODULES` says where the packages are when they are not beside this file.
const packages = createRequire(join(process.env.SHARDPLAN_NODE_MODULES ?? import.meta.dirname, "x.js"));
const puppeteer = (await import(packages.resolve("puppeteer-core"))).default;
const axe = readFileSync(packages.resolve("axe-core/axe.min.js"), "utf8");
const here = mkdtempSync(join(tmpdir(), "shardplan-browser-"));
const run = (...args) => execFileSync(binary, args, { stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28 });

function workedExample() {
  const project = join(here, "relyloop");
  cpSync(join(import.meta.dirname, "../../data/relyloop"), project, { recursive: true });
  const page = join(here, "report.html");
  run("-C", project, "tradeoff", "--html", page, "--compare", join(project, "win3-by-mentions.toml"));
  return page;
}

function sixtyThousandTests() {
  const project = join(here, "large");
  mkdirSync(project);
  writeFileSync(join(project, "shardplan.toml"), [
    'project.inventory = "inventory.csv"',
    '[services.postgres]\n[services.redis]\n[services.solr]',
    '[lanes.all]\nbase = "30s"\ntoday = { services = ["postgres", "redis", "solr"], shards = 1 }\n',
  ].join("\n"));
  const needs = ["", "postgres", "postgres redis", "solr"];
  let [inventory, report] = ["test,observed\n", "test,seconds,outcome\n"];
  for (let at = 0; at < 60000; at++) {
    const file = Math.floor(at / 25);
    const test = `tests/part_${file % 40}/test_${file}.py::TestOne::test_${at}[value-${at % 7}]`;
    inventory += `${test},${needs[file % needs.length]}\n`;
    report += `${test},${((at * 7919) % 400) / 1000},passed\n`;
  }
  writeFileSync(join(project, "inventory.csv"), inventory);
  writeFileSync(join(here, "report.csv"), report);
  run("-C", project, "ingest", join(here, "report.csv"), "--at", "2026-06-16T08:00:00Z");
  const page = join(here, "large.html");
  run("-C", project, "suggest", "--budget", "12", "--html", page);
  return page;
}

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--force-color-profile=srgb"],
});
const complaints = [];

async function open(path, { width = 1200, scheme = "light" } = {}) {
  const page = await browser.newPage();
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith("file:") && !asked.startsWith("blob:")) complaints.push(`asked for ${asked}`);
  });
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(`file://${path}`);
  return page;
}

const texts = (page, selector) => page.$$eval(selector, (parts) => parts.map((part) => part.textContent));
const tip = (page) => page.$eval("#tip", (tip) => (tip.hidden ? null : tip.innerText));

const checks = {
  async "axe-core objects to nothing, light and dark, wide and narrow"(path) {
    for (const scheme of ["light", "dark"]) {
      for (const width of [1200, 380]) {
        const page = await open(path, { scheme, width });
        // The page's policy lets no script in; the debugger's evaluation is none of it.
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const said = violations.map((found) => `${found.id}: ${found.nodes[0].html}`);
        assert.deepEqual(said, [], `${scheme} at ${width}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${width}: ${overflow} pixels too wide`);
        if (pictures) await page.screenshot({ path: join(pictures, `${scheme}-${width}.png`), fullPage: true });
        await page.close();
      }
    }
  },

  async "a mark tells its numbers by pointer and by keyboard"(path) {
    const page = await open(path);
    const chart = ".wide[class~=chart]";
    await page.hover(`${chart} .mark[data-key=plan] circle`);
    assert.match(await tip(page), /^plan.*: ends in 4m53s\n5 containers, 3 shards, 34 billed minutes/);
    assert.equal(await page.$eval("#plans tr.on", (row) => row.dataset.key), "plan");
    await page.keyboard.press("Escape");
    assert.equal(await tip(page), null);
    await page.$eval(`${chart} .mark`, (mark) => mark.focus());
    const first = await tip(page);
    await page.keyboard.press("ArrowRight");
    const second = await tip(page);
    assert.ok(first && second && first !== second, `${first} / ${second}`);
    await page.keyboard.press("End");
    assert.match(await tip(page), /^plan/);
    assert.equal((await page.$$(`${chart} .mark[tabindex="0"]`)).length, 3, "one stop of the tab key for every chart");
    await page.close();
  },

  async "a heading sorts its column, both ways and by value"(path) {
    const page = await open(path);
    const ends = () => page.$$eval("#plans tbody tr", (rows) => rows.map((row) => Number(row.dataset.end)));
    const heading = (await page.$$("#plans thead button"))[4];
    await heading.click();
    const up = await ends();
    assert.deepEqual(up, [...up].sort((a, b) => a - b));
    assert.equal(await page.$$eval("#plans [aria-sort=ascending]", (found) => found.length), 1);
    await heading.press("Enter");
    assert.deepEqual(await ends(), [...up].sort((a, b) => b - a));
    await page.close();
  },

  async "limits leave the plans that keep them"(path) {
    const page = await open(path);
    const all = (await page.$$("#plans tbody tr")).length;
    const left = () => page.$$eval("#plans tbody tr", (rows) => rows.filter((row) => !row.hidden).map((row) => Number(row.dataset.containers)));
    await page.type("#filter [name=containers]", "6");
    assert.ok((await left()).every((count) => count <= 6) && (await left()).length < all);
    await page.type("#filter [name=end]", "4.9");
    assert.deepEqual(await left(), [5, 6]);
    assert.deepEqual(await texts(page, "#filter output"), [`2 of ${all} plans`]);
    await page.click("#filter [type=reset]");
    await page.waitForFunction((all) => document.querySelectorAll("#plans tbody tr:not([hidden])").length === all, {}, all);
    await page.close();
  },

  async "the page prints without controls, on a light ground"(path) {
    const page = await open(path, { scheme: "dark" });
    await page.emulateMediaType("print");
    const seen = await page.evaluate(() => ({
      ground: getComputedStyle(document.body).backgroundColor,
      controls: [...document.querySelectorAll("#filter, #save, .narrow")].filter((part) => part.getClientRects().length > 0).length,
    }));
    assert.deepEqual(seen, { ground: "rgb(255, 255, 255)", controls: 0 });
    if (pictures) await page.pdf({ path: join(pictures, "print.pdf"), format: "A4", printBackground: true });
    await page.close();
  },

  async "60,000 tests are on the screen within a second"(_, large) {
    const times = [];
    for (let turn = 0; turn < 3; turn++) {
      const page = await open(large);
      times.push(await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd));
      if (turn === 0) assert.match((await texts(page, "#units-heading + p"))[0], /of 2400 units \(60000 tests\)/);
      await page.close();
    }
    const best = Math.min(...times);
    console.log(`   opened in ${Math.round(best)} ms, ${Math.round(readFileSync(large).length / 1024)} KiB`);
    assert.ok(best < 1000, `${best} ms`);
  },
};

let failed = 0;
try {
  const pages = [workedExample(), sixtyThousandTests()];
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(...pages);
      assert.deepEqual(complaints.splice(0), [], "nothing on the console, nothing asked for");
      console.log(`ok ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED ${name}\n${error.message}`);
    }
  }
} finally {
  await browser.close();
  rmSync(here, { recursive: true });
}
process.exitCode = failed ? 1 : 0;
