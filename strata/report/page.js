"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const everywhere = data.accounts.map((_, index) => index);
  const PAGE = 50;
  const MOST = 3000; // rows that are printed

  // Holders: users first, then groups whose people only the identity provider knows.
  const external = [];
  data.groups.forEach((group, index) => { if (group.external) external.push(index); });
  const holders = [
    ...data.users.map(([key, name, email]) => ({ key, label: name, text: [key, name, email].join(" ") })),
    ...external.map((index) => {
      const { key, name } = data.groups[index];
      return { key, label: `group ${name}`, group: true, text: [key, name].join(" ") };
    }),
  ];
  const externalHolder = new Map(external.map((group, index) => [group, data.users.length + index]));

  // Grants: [permission set, user or -1 - group, accounts or 0 for all, entries].
  const grants = data.grants.map(([set, principal, accounts, entries]) => {
    const group = principal < 0 ? -1 - principal : null;
    let reached = [principal];
    if (group !== null) reached = externalHolder.has(group) ? [externalHolder.get(group)] : data.groups[group].members;
    return { set, group, reached, accounts: accounts === 0 ? everywhere : accounts, entries };
  });

  const state = { rows: "people", page: 0 };
  const controls = ["person", "account", "set", "group"].map(find);
  const [person, account, set, group] = controls;
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
    const wantedSet = set.value === "" ? null : Number(set.value);
    const wantedGroup = group.value === "" ? null : Number(group.value);
    for (const grant of grants) {
      if (wantedSet !== null && grant.set !== wantedSet) continue;
      if (wantedGroup !== null && grant.group !== wantedGroup) continue;
      const reached = people ? grant.reached.filter((holder) => people.has(holder)) : grant.reached;
      const where = accounts ? grant.accounts.filter((one) => accounts.has(one)) : grant.accounts;
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

  function summary(cell) {
    if (state.rows === "people") {
      if (cell.size === everywhere.length && cell.size > 1) return `all ${cell.size.toLocaleString("en")}`;
      return cell.size === 1 ? data.accounts[[...cell][0]][0] : plural(cell.size, "account", "accounts");
    }
    const groups = [...cell].filter((holder) => holders[holder].group);
    const people = cell.size - groups.length;
    const parts = people === 1 ? [holders[[...cell].find((holder) => !holders[holder].group)].key] : people ? [plural(people, "person", "people")] : [];
    return [...parts, ...groups.map((holder) => holders[holder].label)].join(" + ");
  }

  function row(index) {
    const { key, label: name } = label(index);
    const made = element("tr", {}, element("th", { scope: "row", role: "rowheader" }, key, element("span", {}, name === key ? "" : name)));
    for (const number of table.sets) {
      const cell = table.cells.get(index).get(number);
      const inside = element("td", { role: "gridcell" });
      if (cell) {
        const button = element("button", { type: "button", tabIndex: -1, textContent: summary(cell), onclick: () => explain(index, number) });
        button.setAttribute("aria-haspopup", "dialog");
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

  function draw(every = false) {
    const first = every ? 0 : state.page * PAGE;
    const shown = table.rows.slice(first, first + (every ? MOST : PAGE));
    const heads = table.sets.map((number) => element("th", { scope: "col", role: "columnheader" }, data.sets[number].key));
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
    find("position").textContent = `${(first + 1).toLocaleString("en")} to ${(first + shown.length).toLocaleString("en")} of ${table.rows.length.toLocaleString("en")}`;
  }

  function update() {
    state.page = 0;
    compute();
    draw();
    const rows = state.rows === "people" ? plural(table.rows.length, "person or group", "people and groups") : plural(table.rows.length, "account", "accounts");
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
    if (state.rows !== "people") return inside.map((holder) => holders[holder].label).join(", ");
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
  choices(group, data.groups.map((one, index) => [index, one.name]));
  find("people").append(...holders.map((holder) => element("option", { value: holder.key }, holder.label)));
  find("accounts").append(...data.accounts.map(([key, name]) => element("option", { value: key }, name)));

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
  find("chart").addEventListener("click", (event) => {
    const asked = event.target.closest("button[data-account]");
    if (!asked) return;
    for (const control of controls) control.value = "";
    account.value = asked.dataset.account;
    state.rows = "accounts";
    find("by-account").checked = true;
    update();
    find("access").scrollIntoView();
    account.focus({ preventScroll: true });
  });

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
  document.documentElement.dataset.ready = "";
  performance.mark("ready");
})();
