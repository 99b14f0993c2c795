"use strict";
(() => {
  document.documentElement.dataset.script = "";
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const everywhere = data.accounts.map((_, index) => index);
  const PAGE = 50;
  const MOST = 3000; // rows that are printed

  // Holders: users first, then groups with people whom nobody knows here.
  const external = [];
  data.groups.forEach((group, index) => { if (group.external) external.push(index); });
  const holders = [
    ...data.users.map(([key, name, email]) => ({ key, label: name, email, text: [key, name, email].join(" ") })),
    ...external.map((index) => {
      const { key, name } = data.groups[index];
      return { key, label: name === key ? "group" : `group ${name}`, group: true, text: [key, name].join(" ") };
    }),
  ];
  const externalHolder = new Map(external.map((group, index) => [group, data.users.length + index]));

  const spread = (one) => (Array.isArray(one) ? everywhere.slice(one[0], one[1] + 1) : [one]);

  // Grants: [permission set, user or -1 - group, accounts or 0 for all, entries].
  const grants = data.grants.map(([set, principal, accounts, entries]) => {
    const group = principal < 0 ? -1 - principal : null;
    let reached = [principal];
    if (group !== null) {
      reached = [...data.groups[group].members, ...(externalHolder.has(group) ? [externalHolder.get(group)] : [])];
    }
    return { set, group, reached, accounts: accounts === 0 ? everywhere : accounts.flatMap(spread), entries };
  });

  const state = { rows: "people", page: 0 };
  const controls = ["person", "account", "unit", "set", "group"].map(find);
  const [person, account, unit, set, group] = controls;
  let table = { rows: [], sets: [], cells: new Map() };

  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key.startsWith("aria-") || key === "role" || key === "scope") made.setAttribute(key, value);
      else made[key] = value;
    }
    made.append(...children);
    return made;
  }

  const plural = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

  function matching(words, texts) {
    const wanted = words.trim().toLowerCase();
    if (!wanted) return null;
    const exact = texts.findIndex((text) => text[0].toLowerCase() === wanted);
    if (exact >= 0) return new Set([exact]);
    const found = new Set();
    texts.forEach((text, index) => { if (text.join(" ").toLowerCase().includes(wanted)) found.add(index); });
    return found;
  }

  function* selected() {
    const people = matching(person.value, holders.map((holder) => [holder.key, holder.text]));
    const accounts = matching(account.value, data.accounts.map(([key, name, path]) => [key, name, path]));
    const inUnit = unit.value === "" ? null : new Set(everywhere.filter((one) => data.accounts[one][2].split(" ").includes(unit.value)));
    const wantedSet = set.value === "" ? null : Number(set.value);
    const wantedGroup = group.value === "" ? null : Number(group.value);
    for (const grant of grants) {
      if (wantedSet !== null && grant.set !== wantedSet) continue;
      if (wantedGroup !== null && grant.group !== wantedGroup) continue;
      const reached = people ? grant.reached.filter((holder) => people.has(holder)) : grant.reached;
      let where = accounts ? grant.accounts.filter((one) => accounts.has(one)) : grant.accounts;
      if (inUnit) where = where.filter((one) => inUnit.has(one));
      if (reached.length && where.length) yield { grant, reached, where };
    }
  }

  // A cell is what one row has by one permission set: accounts of a person, or people of an account.
  function compute() {
    const cells = new Map();
    const sets = new Set();
    let number = 0;
    for (const { grant, reached, where } of selected()) {
      const [rows, inside] = state.rows === "people" ? [reached, where] : [where, reached];
      sets.add(grant.set);
      for (const row of rows) {
        if (!cells.has(row)) cells.set(row, new Map());
        const bySet = cells.get(row);
        if (!bySet.has(grant.set)) bySet.set(grant.set, new Set());
        const cell = bySet.get(grant.set);
        for (const one of inside) cell.add(one);
      }
    }
    for (const bySet of cells.values()) for (const cell of bySet.values()) number += cell.size;
    table = {
      rows: [...cells.keys()].sort((a, b) => a - b),
      sets: [...sets].sort((a, b) => a - b),
      cells, number,
    };
  }

  const label = (index) => (state.rows === "people" ? holders[index] : { key: data.accounts[index][0], label: data.accounts[index][1] });

  // In short for the cell, in words for its name.
  function summary(cell) {
    const [first] = cell;
    if (state.rows === "people") {
      if (cell.size === everywhere.length && cell.size > 1) return ["all", `all ${cell.size.toLocaleString("en")} accounts`];
      const words = cell.size === 1 ? data.accounts[first][0] : plural(cell.size, "account", "accounts");
      return [cell.size === 1 ? words : cell.size.toLocaleString("en"), words];
    }
    const groups = [...cell].filter((holder) => holders[holder].group);
    const people = cell.size - groups.length;
    const named = groups.map((holder) => `group ${holders[holder].key}`);
    const words = [...(people ? [plural(people, "person", "people")] : []), ...named].join(" + ");
    if (cell.size === 1) return [holders[first].key, words];
    return [[...(people ? [people.toLocaleString("en")] : []), ...(groups.length ? [plural(groups.length, "group", "groups")] : [])].join(" + "), words];
  }

  function row(index) {
    const { key, label: name } = label(index);
    const made = element("tr", {}, element("th", { scope: "row", role: "rowheader" }, key, name ? element("span", {}, name) : ""));
    for (const number of table.sets) {
      const cell = table.cells.get(index).get(number);
      const inside = element("td", { role: "gridcell" });
      if (cell) {
        const [short, words] = summary(cell);
        const { full, key: set } = data.sets[number];
        const button = element("button", { type: "button", tabIndex: -1, textContent: full ? `▲ ${short}` : short, title: words, className: full ? "full" : "", onclick: () => explain(index, number) });
        button.setAttribute("aria-haspopup", "dialog");
        button.setAttribute("aria-label", `${set}${full ? ", full access" : ""}: ${words}`);
        inside.append(button);
      } else {
        inside.className = "none";
        inside.tabIndex = -1;
        inside.append(element("span", { "aria-hidden": "true" }, "·"));
        inside.setAttribute("aria-label", "none");
      }
      made.append(inside);
    }
    return made;
  }

  // A long name may break where a word in it begins.
  function head(number) {
    const { key, full } = data.sets[number];
    const made = element("th", { scope: "col", role: "columnheader" });
    if (full) {
      made.className = "danger";
      made.append("▲\u00a0");
    }
    key.split(/(?<=[a-z0-9-])(?=[A-Z])|(?<=-)/).forEach((part, index) => made.append(...(index ? [element("wbr")] : []), part));
    return made;
  }

  function draw(every = false) {
    const first = every ? 0 : state.page * PAGE;
    const shown = table.rows.slice(first, first + (every ? MOST : PAGE));
    const heads = table.sets.map(head);
    const corner = element("th", { scope: "col", role: "columnheader" }, state.rows === "people" ? "Person" : "Account");
    const matrix = find("matrix");
    matrix.tHead.replaceChildren(element("tr", {}, corner, ...heads));
    matrix.tBodies[0].replaceChildren(...shown.map(row));
    matrix.setAttribute("aria-rowcount", String(table.rows.length + 1));
    matrix.setAttribute("aria-colcount", String(table.sets.length + 1));
    [...matrix.tBodies[0].rows].forEach((one, index) => one.setAttribute("aria-rowindex", String(first + index + 2)));
    const start = stop(0, 0);
    if (start) start.tabIndex = 0;
    find("region").hidden = !table.rows.length;
    find("previous").disabled = state.page === 0;
    find("next").disabled = (state.page + 1) * PAGE >= table.rows.length;
    find("pages").hidden = table.rows.length <= PAGE;
    edges();
    find("position").textContent = `${(first + 1).toLocaleString("en")} to ${(first + shown.length).toLocaleString("en")} of ${table.rows.length.toLocaleString("en")}`;
  }

  // Where the matrix goes on beyond its frame.
  function edges() {
    const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = find("region");
    const more = {
      left: scrollLeft > 2, right: scrollLeft + clientWidth < scrollWidth - 2,
      above: scrollTop > 2, below: scrollTop + clientHeight < scrollHeight - 2,
    };
    for (const [side, goesOn] of Object.entries(more)) find("frame").classList.toggle(`${side}-more`, goesOn);
  }

  function update() {
    state.page = 0;
    compute();
    draw();
    const people = table.rows.filter((one) => one < data.users.length).length;
    const groups = table.rows.length - people;
    const rows = state.rows === "people"
      ? `${people.toLocaleString("en")} of ${plural(data.users.length, "person", "people")}${groups ? ` and ${plural(groups, "group", "groups")} of the identity provider` : ""}`
      : plural(table.rows.length, "account", "accounts");
    find("status").textContent = table.rows.length
      ? `${rows}, ${plural(table.sets.length, "permission set", "permission sets")}, ${plural(table.number, "grant", "grants")}`
      : "Nobody has such access.";
  }

  // The reasons of one cell

  function explain(index, number) {
    const key = label(index).key;
    const chosen = data.sets[number];
    const list = element("dl");
    for (const { grant, reached, where } of selected()) {
      const rows = state.rows === "people" ? reached : where;
      if (grant.set !== number || !rows.includes(index)) continue;
      const inside = state.rows === "people" ? where : reached;
      list.append(element("dt", {}, way(grant, index)), element("dd", {}, names(inside, grant)));
    }
    find("what").textContent = `${key}: ${chosen.key}`;
    find("why").replaceChildren(
      element("p", { className: "soft" }, `Allows ${chosen.allows.join("; ")} (${chosen.place})`), list,
    );
    find("details").showModal();
  }

  function way(grant, index) {
    const given = grant.entries.map((entry) => data.entries[entry]).join(", ");
    if (grant.group === null) return `Given directly by ${given}`;
    const { name, members, lines } = data.groups[grant.group];
    const position = state.rows === "people" ? members.indexOf(index) : -1;
    return `Through group ${name}${position >= 0 ? ` (member at ${lines[position]})` : ""}, given by ${given}`;
  }

  function names(inside, grant) {
    if (state.rows !== "people") return inside.map((holder) => (holders[holder].group ? `group ${holders[holder].key}` : [holders[holder].key, holders[holder].label].filter(Boolean).join(" "))).join(", ");
    if (grant.accounts === everywhere && inside.length === everywhere.length) return `all ${plural(inside.length, "account", "accounts")}`;
    return inside.map((one) => data.accounts[one][0]).join(", ");
  }

  // Keyboard: the matrix is one stop; arrows move in it.

  function stop(rowNumber, column) {
    const cell = find("matrix").tBodies[0].rows[rowNumber]?.cells[column + 1];
    return cell && (cell.querySelector("button") || cell);
  }

  function move(event) {
    const cell = event.target.closest("td");
    if (!cell) return;
    const body = find("matrix").tBodies[0];
    const rowNumber = [...body.rows].indexOf(cell.parentElement);
    const column = cell.cellIndex - 1;
    const [lastRow, lastColumn] = [body.rows.length - 1, table.sets.length - 1];
    const all = event.ctrlKey || event.metaKey;
    const target = {
      ArrowRight: [rowNumber, Math.min(column + 1, lastColumn)],
      ArrowLeft: [rowNumber, Math.max(column - 1, 0)],
      ArrowDown: [Math.min(rowNumber + 1, lastRow), column],
      ArrowUp: [Math.max(rowNumber - 1, 0), column],
      Home: [all ? 0 : rowNumber, 0],
      End: [all ? lastRow : rowNumber, lastColumn],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    const next = stop(...target);
    find("matrix").querySelectorAll("td[tabindex='0'], td button[tabindex='0']").forEach((one) => { one.tabIndex = -1; });
    next.tabIndex = 0;
    next.focus();
  }

  function turn(pages) {
    state.page += pages;
    draw();
    find("region").scrollTop = 0;
  }

  // Set-up

  function choices(select, entries) {
    select.append(...entries.map(([value, text]) => element("option", { value: String(value) }, text)));
  }
  choices(set, data.sets.map((one, index) => [index, one.key]));
  choices(unit, data.units.map((one) => [one, one]));
  choices(group, data.groups.map((one, index) => [index, one.name]));
  find("persons").append(...holders.map((holder) => element("option", { value: holder.key }, holder.label)));
  find("known-accounts").append(...data.accounts.map(([key, name]) => element("option", { value: key }, name)));

  let waiting = 0;
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(update, 80); };
  controls.forEach((control) => control.addEventListener("input", soon));
  document.querySelectorAll("input[name='rows']").forEach((choice) => choice.addEventListener("change", () => { state.rows = choice.value; update(); }));
  find("filters").addEventListener("submit", (event) => event.preventDefault());
  find("filters").addEventListener("reset", () => setTimeout(() => { state.rows = "people"; update(); }));
  find("previous").addEventListener("click", () => turn(-1));
  find("next").addEventListener("click", () => turn(1));
  find("matrix").addEventListener("keydown", move);
  find("close").addEventListener("click", () => find("details").close());
  find("region").addEventListener("scroll", edges, { passive: true });
  window.addEventListener("resize", edges);

  // Search: entries that do not have the words are hidden, those that have them are opened.

  const entries = [...document.querySelectorAll("main .item, main .alike, main .list > table > tbody > tr")]
    .map((one) => ({ one, text: one.textContent.toLowerCase(), was: one.open }));
  function search() {
    const words = find("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const entry of entries) {
      const hit = words.every((word) => entry.text.includes(word));
      entry.one.hidden = !hit;
      if (hit) found += 1;
      if (entry.one.tagName === "DETAILS") entry.one.open = words.length ? hit && found <= 40 : entry.was;
    }
    const bare = words.length > 0;
    document.querySelectorAll("main .ou").forEach((one) => {
      one.hidden = bare && !one.querySelector(".alike:not([hidden])");
      if (bare) one.open = true;
    });
    document.querySelectorAll("main > section").forEach((one) => {
      one.hidden = bare && !entries.some((entry) => !entry.one.hidden && one.contains(entry.one));
    });
    find("found").textContent = bare ? (found ? `${plural(found, "entry", "entries")} found` : "nothing found") : "";
    if (bare) window.scrollTo({ top: Math.min(window.scrollY, document.querySelector("main").offsetTop) });
    edges();
  }
  let searching = 0;
  find("search").addEventListener("input", () => { clearTimeout(searching); searching = setTimeout(search, 120); });

  function fold(open) {
    document.querySelectorAll("main details").forEach((one) => { one.open = open; });
    entries.forEach((entry) => { entry.was = open; });
  }
  find("expand").addEventListener("click", () => fold(true));
  find("collapse").addEventListener("click", () => fold(false));

  // A link to an entry opens it and all around it.
  function reveal() {
    const target = document.getElementById(location.hash.slice(1)); // keys are ASCII, so nothing in it is encoded
    if (!target) return;
    if (target.closest("[hidden]")) { find("search").value = ""; search(); }
    for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
    target.scrollIntoView();
  }
  window.addEventListener("hashchange", reveal);

  // The section in view is marked in the navigation.
  const links = new Map([...document.querySelectorAll("nav a")].map((one) => [one.hash.slice(1), one]));
  const seen = new Set();
  const watch = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) seen[isIntersecting ? "add" : "delete"](target.id);
    const current = [...links.keys()].find((key) => seen.has(key));
    for (const [key, one] of links) {
      if (key === current) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
    }
  }, { rootMargin: "-10% 0px -60% 0px" });
  document.querySelectorAll("main > section").forEach((one) => watch.observe(one));

  // On paper everything is open, and the matrix whole.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((one) => { one.open = true; });
    draw(true);
  });
  window.addEventListener("afterprint", () => {
    closed.forEach((one) => { one.open = false; });
    draw();
  });

  update();
  if (location.hash) reveal();
  document.documentElement.dataset.ready = "";
  performance.mark("ready");
})();
