// The script that builds a page from its data: header, contents and sections, whose blocks are cards, charts,
// tables, pairs and paragraphs; other scripts add kinds of block.

enum FrameScript {
  static let text = #"""
    const blocks = {
      cards: d => element("div", { class: "cards", "data-count": d.cards.length }, d.cards.map(one =>
        element("div", { class: "card", id: one.id }, element("p", {}, one.title), element("strong", {}, one.value), one.note ? element("small", {}, one.note) : null))),
      charts: d => element("div", { class: "charts" }, d.charts.map(chart)),
      table: d => table(d),
      // Names and values side by side, in as many columns as there is room for.
      pairs: d => element("dl", { class: "pairs" }, d.pairs.map(([name, value, link]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, link ? element("a", { href: link }, visible(value)) : visible(value))))),
      notes: d => element("div", {}, d.notes.map(text => element("p", { class: "note" }, text))),
    };

    function section(one) {
      return element("section", { id: one.id }, element("h2", {}, element("a", { href: "#" + one.id }, one.title)),
        one.note ? element("p", { class: "note" }, one.note) : null, one.blocks.map(block => blocks[block.kind](block)));
    }

    function build(page) {
      const links = page.links || [];
      document.body.append(
        element("header", {}, element("p", { class: "kind" }, page.kind), element("h1", {}, visible(page.name)),
          element("p", { class: "facts" }, page.facts.map(fact => element("span", {}, visible(fact))),
            links.map(one => element("a", { href: one.link }, visible(one.text))))),
        element("nav", { "aria-label": "Contents" }, page.sections.map(one => element("a", { href: "#" + one.id }, one.title))),
        element("main", {}));
      const main = document.body.querySelector("main");
      // One after another, so that the first can be seen while the last are made.
      const left = page.sections.slice();
      function next() {
        const one = left.shift();
        if (!one) return finished();
        main.append(section(one));
        if (left.length && left.length < page.sections.length - 1) setTimeout(next); else next();
      }
      next();
    }
    function finished() {
      document.documentElement.dataset.ready = "true";
      arrive();
      addEventListener("hashchange", arrive);
    }
    const arrivals = [];
    function arrive() {
      const wanted = decodeURIComponent(location.hash.slice(1));
      if (!wanted) return;
      for (const open of arrivals) if (open(wanted)) return;
      document.getElementById(wanted)?.scrollIntoView();
    }
    """#

  /// Runs once all scripts are there.
  static let start = #"""

    const page = JSON.parse(document.getElementById("data").textContent);
    build(page);
    """#
}
