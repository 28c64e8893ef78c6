"use strict";
// Numbers of marks, sorting and filtering. Texts are set as text: nothing here makes markup.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const tip = document.getElementById("tip");
  const marks = all(".mark");
  const partners = (key) => all("[data-key]").filter((part) => part.dataset.key === key);

  // A mark tells its numbers to whoever points at it or reaches it by keyboard, and shows its row.
  let told = null;
  const hush = () => {
    if (told) partners(told).forEach((part) => part.classList.remove("on"));
    told = null;
    tip.hidden = true;
  };
  const light = (key) => {
    hush();
    told = key;
    partners(key).forEach((part) => part.classList.add("on"));
  };
  const tell = (mark) => {
    light(mark.dataset.key);
    const facts = mark.getAttribute("aria-label").split("; ");
    tip.replaceChildren(...facts.map((fact, at) => {
      const line = document.createElement(at === 0 ? "b" : "span");
      line.textContent = fact;
      return line;
    }));
    tip.hidden = false;
    const shapes = all("rect, circle", mark);
    const box = (shapes[0] ?? mark).getBoundingClientRect();
    const width = tip.offsetWidth;
    const left = Math.min(Math.max(8, box.left + box.width / 2 - width / 2), document.documentElement.clientWidth - width - 8);
    const above = box.top - tip.offsetHeight - 10;
    tip.style.left = `${left + window.scrollX}px`;
    tip.style.top = `${(above > 4 ? above : box.bottom + 10) + window.scrollY}px`;
  };
  for (const mark of marks) {
    mark.addEventListener("pointerenter", () => tell(mark));
    mark.addEventListener("pointerleave", hush);
    mark.addEventListener("focus", () => tell(mark));
    mark.addEventListener("blur", hush);
  }
  // A chart is one stop of the tab key; the arrows go from mark to mark.
  const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
  for (const chart of all(".chart")) {
    const own = all(".mark", chart);
    chart.addEventListener("keydown", (event) => {
      const at = own.indexOf(document.activeElement);
      if (at < 0 || !(event.key in moves)) return;
      event.preventDefault();
      const next = own[Math.min(own.length - 1, Math.max(0, at + moves[event.key]))];
      own.forEach((mark) => mark.setAttribute("tabindex", mark === next ? "0" : "-1"));
      next.focus();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hush();
  });
  for (const row of all("tr[data-key]")) {
    row.addEventListener("pointerenter", () => light(row.dataset.key));
    row.addEventListener("pointerleave", hush);
  }

  // A heading sorts its column: numbers by their value, names as people sort them.
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.classList.contains("number") ? Number(cell.dataset.value ?? "NaN") : cell.textContent.trim();
  };
  const order = (a, b) => {
    if (typeof a === "string") return a.localeCompare(b, "en", { numeric: true });
    return Number.isNaN(a) - Number.isNaN(b) || a - b;
  };
  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    all("thead th", table).forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      heading.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = heading.getAttribute("aria-sort") !== "ascending";
        all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...body.rows];
        rows.sort((a, b) => (up ? 1 : -1) * order(value(a, column), value(b, column)));
        body.append(...rows);
      });
    });
  }

  // Limits hide the plans that break them, in the table and in the chart.
  const form = document.getElementById("filter");
  const rows = all("#plans tbody tr");
  const limit = (name) => {
    const typed = form.elements[name].value;
    return typed === "" ? Infinity : Number(typed);
  };
  const filter = () => {
    const keeps = (row) =>
      Number(row.dataset.containers) <= limit("containers") &&
      Number(row.dataset.minutes) <= limit("minutes") &&
      Number(row.dataset.end) <= limit("end") * 60000;
    let kept = 0;
    for (const row of rows) {
      const shown = keeps(row);
      kept += shown;
      row.hidden = !shown;
      for (const mark of marks) {
        if (mark.dataset.key === row.dataset.key) mark.classList.toggle("off", !shown);
      }
    }
    form.querySelector("output").textContent = `${kept} of ${rows.length} plans`;
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  filter();

  const save = document.getElementById("save");
  save.hidden = false;
  save.addEventListener("click", () => {
    const text = document.getElementById("shardplan-report").textContent;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "shardplan-report.json";
    link.click();
    URL.revokeObjectURL(link.href);
  });
})();
