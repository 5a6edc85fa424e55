// The script of tables that can be searched and sorted and whose columns can be chosen. Comes in: {columns,
// rows} or a function that gives a cell. Leaves: a table of which as many rows stand in the page as one looks at.

enum TableScript {
  static let text = #"""
    // A cell is a value, or {text, link}; `kind` of a column is one of the formats.
    function table(d) {
      const cell = d.cell || ((row, column) => d.rows[row][column]);
      const total = d.count ?? d.rows.length, page = d.page || 50;
      const shown = new Set(d.columns.map((one, index) => one.hidden ? -1 : index).filter(index => index >= 0));
      const state = { order: null, sort: d.sort || null, limit: page, query: "" };
      const value = (row, column) => { const made = cell(row, column); return made && typeof made === "object" ? made.value ?? made.text : made; };
      const isText = column => ["text", "token"].includes(d.columns[column].kind || "text");

      function arrange() {
        const found = state.query ? (d.search ? d.search(state.query) : matching(state.query)) : null;
        let rows = found || Array.from({ length: total }, (_, index) => index);
        // What a search ranks stays in its order until a column is asked for.
        if (state.sort && !(found && d.search && !state.sort.asked)) {
          const { column, descending } = state.sort, sign = descending ? -1 : 1;
          const keys = new Map(rows.map(row => [row, value(row, column)]));
          const missing = key => key === null || key === undefined || key === "" || Number.isNaN(key);
          rows = rows.slice().sort((a, b) => {
            const [p, q] = [keys.get(a), keys.get(b)];
            if (missing(p) || missing(q)) return missing(p) - missing(q) || a - b;
            return sign * (isText(column) ? String(p).localeCompare(String(q), "en", { numeric: true }) : p - q) || a - b;
          });
        }
        state.order = rows;
        draw();
      }
      function matching(query) {
        const words = query.toLowerCase().split(/\s+/).filter(Boolean), rows = [];
        for (let row = 0; row < total; row++) {
          const text = d.columns.map((_, column) => String(value(row, column) ?? "")).join(" ").toLowerCase();
          if (words.every(word => text.includes(word))) rows.push(row);
        }
        return rows;
      }

      const head = element("tr", {}), body = element("tbody", {}), foot = element("div", { class: "more" });
      function drawHead() {
        empty(head);
        for (const column of shown) {
          const one = d.columns[column], by = state.sort?.column === column;
          head.append(element("th", { class: isText(column) ? "" : "n", title: one.note, "aria-sort": by ? (state.sort.descending ? "descending" : "ascending") : "none" },
            element("button", { onclick: () => {
              const down = by ? !state.sort.descending : !isText(column) && one.better !== "lower";
              state.sort = { column, descending: down, asked: true };
              arrange();
            } }, one.title, element("i", { class: "arrow" }, by ? (state.sort.descending ? "▼" : "▲") : ""))));
        }
      }
      function drawCell(row, column) {
        const one = d.columns[column], made = cell(row, column);
        const plain = made && typeof made === "object" ? made : { text: undefined, value: made };
        const text = plain.text !== undefined ? visible(plain.text) : formats[one.kind || "text"](plain.value);
        const content = plain.link && isLocal(plain.link) ? element("a", { href: plain.link }, text) : text;
        return element("td", { class: (isText(column) ? "" : "n") + (plain.best ? " best" : "") + (one.kind === "token" ? " tokens" : "") },
          one.bar && isNumber(plain.value) ? element("span", { class: "track" }, element("i", { share: Math.min(1, Math.max(0, plain.value)) })) : null, content);
      }
      function draw() {
        drawHead();
        empty(body);
        const rows = state.order.slice(0, state.limit);
        for (const row of rows) {
          const line = element("tr", d.open ? { class: "opens", onclick: event => { if (!event.target.closest("a")) d.open(row, line); } } : {},
            [...shown].map(column => drawCell(row, column)));
          body.append(line);
        }
        empty(foot);
        const left = state.order.length - rows.length;
        if (left > 0 || d.searches !== false) foot.append(element("small", {}, `${rows.length} of ${state.order.length}` + (state.order.length < total ? ` found among ${total}` : "")));
        if (left > 0) foot.append(element("button", { class: "tool", onclick: () => { state.limit += page * 4; draw(); } }, "show more"));
      }

      const input = element("input", { type: "search", placeholder: d.placeholder || "Search", "aria-label": d.placeholder || "Search", oninput: () => {
        state.query = input.value.trim();
        state.limit = page;
        arrange();
      } });
      const choice = !d.choose ? null : element("details", { class: "choice" }, element("summary", {}, "columns"),
        element("div", {}, d.columns.map((one, column) => element("label", {}, element("input", { type: "checkbox", checked: shown.has(column), onchange: event => {
          if (event.target.checked) shown.add(column); else shown.delete(column);
          const kept = [...shown].sort((a, b) => a - b);
          shown.clear();
          kept.forEach(column => shown.add(column));
          draw();
        } }), one.title))));
      const bar = d.searches === false && !choice ? null : element("div", { class: "seek" }, d.searches === false ? null : input, choice);
      arrange();
      const made = element("div", { class: "listing", id: d.id }, bar,
        element("div", { class: "scroll" }, element("table", {}, element("thead", {}, head), body)), foot);
      made.find = query => { input.value = query; state.query = query; state.sort = d.sort || null; state.limit = page; arrange(); return state.order; };
      made.order = () => state.order;
      return made;
    }
    """#
}
