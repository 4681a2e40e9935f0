"use strict";
// The changed passages: filter, search and turn pages.
const PAGE = 20;
const rows = JSON.parse(document.getElementById("rows").textContent);
const texts = rows.map((row) => row.text.toLowerCase());
const nameLabel = document.getElementById("name-label");
nameLabel?.addEventListener("input", () => {
  for (const row of document.getElementById("name-rows").rows) {
    row.hidden = nameLabel.value && row.dataset.label !== nameLabel.value;
  }
});
const controls = document.getElementById("controls");
const list = document.getElementById("passages");
let shown = [];
let page = 0;

function filter() {
  const { test, group, label, search } = controls.elements;
  const words = search.value.trim().toLowerCase();
  shown = [];
  rows.forEach((row, i) => {
    const fits = row.changes.some(
      ([g, l]) => (!group.value || g === group.value) && (!label.value || l === label.value)
    );
    if (fits && (!test.value || row.test === test.value) && texts[i].includes(words)) {
      shown.push(row);
    }
  });
  turn(0);
}

function turn(to) {
  const last = Math.max(0, Math.ceil(shown.length / PAGE) - 1);
  page = Math.min(Math.max(0, to), last);
  const some = shown.slice(page * PAGE, (page + 1) * PAGE);
  list.replaceChildren(...some.map(passage));
  list.start = page * PAGE + 1;
  document.getElementById("count").textContent =
    `${shown.length} of ${rows.length} passages, page ${page + 1} of ${last + 1}`;
  for (const [name, off] of [["first", page === 0], ["back", page === 0],
                             ["next", page === last], ["last", page === last]]) {
    const button = document.getElementById(name);
    // Not `disabled`, which would take the focus away.
    button.ariaDisabled = String(off);
    button.onclick = () => off || turn({ first: 0, back: page - 1, next: page + 1, last }[name]);
  }
}

function element(name, content, className) {
  const made = document.createElement(name);
  made.textContent = content;
  if (className) made.className = className;
  return made;
}

function passage(row) {
  const item = document.createElement("li");
  const tags = element("p", "", "tags");
  const counts = new Map();
  for (const [group, label] of row.changes) {
    const key = `${group} ${label}`;
    counts.set(key, { group, n: (counts.get(key)?.n ?? 0) + 1 });
  }
  for (const [key, { group, n }] of counts) {
    tags.append(element("span", n > 1 ? `${key} × ${n}` : key, group.replaceAll(" ", "-")), " ");
  }
  const sides = element("dl", "");
  for (const side of ["base", "updated", "gold"]) {
    const marked = document.createElement("dd");
    marked.dir = "auto";
    // Escaped by displaCy and by `render_passages`; the page's policy runs no script.
    marked.innerHTML = row[side];
    sides.append(element("dt", side), marked);
  }
  item.append(tags, sides);
  if (row.drawing) {
    const details = document.createElement("details");
    const drawing = element("div", "", "wide");
    drawing.innerHTML = row.drawing;
    details.append(element("summary", "Arcs"), drawing);
    item.append(details);
  }
  return item;
}

if (controls) {
  controls.addEventListener("input", filter);
  controls.addEventListener("submit", (event) => event.preventDefault());
  filter();
}
