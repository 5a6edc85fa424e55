// The script that shows latents: a table of all that can be searched and sorted, and each in full where its details
// are in the page or in the folder beside it. Comes in: `page.latents`, as LatentReport writes it. Leaves: the block
// `latents`.

enum LatentScript {
  static let explorer = #"""
    // What the files beside the page say once they are there.
    const beside = { details: new Map(), sequences: {}, texts: {}, asked: new Map() };
    function saelineLatents(number, details) { beside.details.set(number, details); }
    function saelineText(text) { beside.sequences = text.sequences; beside.texts = text.texts; }
    function load(name) {
      if (!beside.asked.has(name)) beside.asked.set(name, new Promise((resolve, reject) => {
        const script = element("script", {});
        script.onload = resolve;
        script.onerror = () => { beside.asked.delete(name); reject(new Error(name)); };
        script.src = "latents/" + name;
        document.head.append(script);
      }));
      return beside.asked.get(name);
    }
    async function detailOf(latent) {
      const inside = page.latents.details.find(one => one.latent === latent);
      if (inside || !page.latents.chunk) return inside || null;
      const number = Math.floor(latent / page.latents.chunk);
      await Promise.all([load(String(number).padStart(3, "0") + ".js"), load("text.js")]);
      return beside.details.get(number)?.[latent - number * page.latents.chunk] || null;
    }
    const tokenText = token => page.latents.texts[token] ?? beside.texts[token] ?? "#" + token;
    const categoryOf = latent => page.latents.category[latent] >= 0 ? page.latents.categories[page.latents.category[latent]] : null;
    // The categories that a latent is the best one of.
    const namesOf = latent => page.latents.categories.filter((_, index) => page.latents.best[index] === latent);

    // Latents by how well they match: a number, the name or a word of a category, or a token.
    function searchLatents(query) {
      const all = page.latents, words = query.toLowerCase().split(/\s+/).filter(Boolean);
      const number = /^#?(\d+)$/.exec(query);
      const categories = all.categories.map((name, index) => ({ name: name.toLowerCase(), best: all.best[index],
        words: new Set(all.words[index].map(word => word.trim().toLowerCase())) }));
      const whole = words.join(" ");
      const found = [];
      for (let latent = 0; latent < all.count; latent++) {
        let score = number && +number[1] === latent ? 1000 : 0;
        categories.forEach((category, index) => {
          const isBest = category.best === latent;
          if (!isBest && all.category[latent] !== index) return;
          const named = category.name === whole ? 5 : words.every(word => category.name.includes(word)) ? 2 : category.words.has(whole) ? 1 : 0;
          if (named) score += named + (isBest ? 20 : 0) + (all.category[latent] === index ? all.f1[latent] : 0);
        });
        const token = all.token[latent] >= 0 ? tokenText(all.token[latent]).trim().toLowerCase() : "";
        if (token) score += token === whole ? 3 : words.length && words.every(word => token.includes(word)) ? 0.5 : 0;
        if (score > 0) found.push([latent, score]);
      }
      return found.sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(one => one[0]);
    }

    blocks.latents = () => {
      const all = page.latents;
      const columns = [
        { title: "latent", kind: "whole", better: "lower" },
        { title: "density", kind: "share", note: "share of the evaluated tokens on which it is active" },
        { title: "mean", kind: "figure", note: "mean activation where it is active" },
        { title: "max", kind: "figure", note: "highest activation" },
        { title: "norm", kind: "figure", note: "of its row of the decoder" },
        { title: "cosine", kind: "figure", note: "of its column of the encoder and its row of the decoder", hidden: !all.cosine.length },
        { title: "best category", kind: "text", note: "the category that it names best", hidden: !all.categories.length },
        { title: "F1", kind: "figure", note: "how well it names that category", hidden: !all.categories.length },
        { title: "top token", kind: "token", note: "the token on which its activations sum up to most" },
      ];
      const cells = [
        latent => ({ value: latent, text: "#" + latent, link: "#latent-" + latent }),
        latent => all.rows ? all.fires[latent] / all.rows : null, latent => all.mean[latent], latent => all.max[latent],
        latent => all.norm[latent], latent => all.cosine[latent] ?? null,
        latent => { const best = namesOf(latent); return best.length ? { value: best.join(", "), text: best.join(", "), best: true } : categoryOf(latent); },
        latent => all.category[latent] >= 0 ? all.f1[latent] : null,
        latent => all.token[latent] >= 0 ? tokenText(all.token[latent]) : null,
      ];
      const viewer = element("div", { class: "viewer", "aria-live": "polite" });
      const listing = table({ id: "latent-table", columns, count: all.count, cell: (row, column) => cells[column](row), choose: true,
        page: 12, search: searchLatents, placeholder: "Search a number, a category or a word", sort: { column: 1, descending: true },
        open: latent => { location.hash = "latent-" + latent; } });
      listing.querySelector("input").addEventListener("keydown", event => {
        if (event.key === "Enter" && listing.order().length) location.hash = "latent-" + listing.order()[0];
      });

      async function open(latent) {
        const there = document.getElementById("latent-" + latent);
        for (const other of document.querySelectorAll("article.open")) other.classList.remove("open");
        if (there) { there.classList.add("open"); there.scrollIntoView(); return; }
        let made;
        try {
          const detail = await detailOf(latent);
          made = detail ? article(detail) : plainArticle(latent, "Its contexts were not collected.");
        } catch {
          made = plainArticle(latent, "Its contexts are in the folder latents, which is not beside this page.");
        }
        made.classList.add("open");
        // One at a time, before those that stand in the page.
        empty(viewer);
        viewer.append(made);
        made.scrollIntoView();
      }
      arrivals.push(place => {
        const match = /^latent-(\d+)$/.exec(place);
        if (!match || +match[1] >= all.count) return false;
        open(+match[1]);
        return true;
      });
      const list = element("div", { id: "latent-details" });
      list.append(...all.details.map(article));
      return element("div", {}, listing, viewer, list);
    };
    """#

  static let detail = #"""
    function heading(latent) {
      const all = page.latents, names = namesOf(latent);
      const facts = [all.fires[latent] ? "active on " + share(all.fires[latent] / all.rows) + " of tokens" : "never active"];
      if (all.fires[latent]) facts.push("mean " + figure(all.mean[latent]), "at most " + figure(all.max[latent]));
      facts.push("norm " + figure(all.norm[latent]));
      if (all.cosine.length) facts.push("cosine " + figure(all.cosine[latent]));
      return element("h3", {}, element("a", { href: "#latent-" + latent }, "#" + latent),
        names.map(name => element("a", { class: "label", href: "#categories" }, name)),
        names.length ? null : categoryOf(latent) && all.f1[latent] >= 0.1 ? element("span", { class: "label" }, categoryOf(latent) + " " + figure(all.f1[latent])) : null,
        element("small", {}, facts.join(" · ")));
    }
    const plainArticle = (latent, text) => element("article", { id: "latent-" + latent }, heading(latent), element("p", { class: "note" }, text));

    function article(detail) {
      const { latent } = detail, most = page.latents.max[latent];
      const words = (title, list) => !list ? null : element("div", {}, element("h4", {}, title), element("div", { class: "words" },
        list.map(([token, weight]) => element("span", { title: figure(weight) }, visible(tokenText(token)), element("small", {}, figure(weight))))));
      const nearest = !detail.nearest ? null : element("div", {}, element("h4", {}, "Nearest latents"), element("div", { class: "words" },
        detail.nearest.map(([other, cosine]) => element("a", { href: "#latent-" + other }, "#" + other, element("small", {}, [categoryOf(other), figure(cosine)].filter(Boolean).join(" "))))));
      const bars = !detail.histogram ? null : element("details", { class: "histogram" }, element("summary", {}, "activations"));
      bars?.addEventListener("toggle", () => {
        if (!bars.open || bars.querySelector("figure")) return;
        bars.append(chart({ kind: "bars", title: "Activations", note: "of the tokens on which it is active", height: 190, unit: "tokens",
          x: { name: "activation" }, y: { name: "tokens", log: false },
          series: [{ edges: detail.histogram.map((_, index) => index * most / detail.histogram.length).concat(most), values: detail.histogram }] }));
      });
      const names = ["strongest quarter", "second quarter", "third quarter", "weakest quarter"];
      const quarters = !detail.quarters ? null : element("details", {}, element("summary", {}, "contexts of each quarter of its activations"));
      quarters?.addEventListener("toggle", () => {
        if (quarters.querySelector("ol")) return;
        detail.quarters.forEach((contexts, index) => {
          if (contexts.length) quarters.append(element("h4", {}, names[index] + (detail.bounds ? ", " + figure(detail.bounds[index + 1]) + " to " + figure(detail.bounds[index]) : "")), element("ol", {}, contexts.map(one => contextOf(one, most))));
        });
      });
      return element("article", { id: "latent-" + latent }, heading(latent),
        detail.why ? element("p", { class: "note" }, "Shown since it is " + detail.why.join("; ") + ".") : null,
        element("div", { class: "sides" }, words("Promotes", detail.promoted), words("Suppresses", detail.suppressed), nearest),
        detail.highest ? element("ol", {}, detail.highest.map(one => contextOf(one, most))) : element("p", { class: "note" }, page.latents.fires[latent] ? "No text is at hand." : "Never active on the evaluated tokens."),
        quarters, bars);
    }

    // A context is [sequence, position, value, first, count, [place, activation, …], tokens where they are inside].
    function contextOf([sequence, position, value, first, size, active, inside], most) {
      const tokens = inside || (beside.sequences[sequence] || []).slice(first, first + size);
      const shades = new Map();
      for (let index = 0; index < active.length; index += 2) shades.set(active[index], active[index + 1]);
      const special = new Set(page.latents.special), parts = [];
      let plain = "";
      const flush = () => { if (plain) parts.push(plain); plain = ""; };
      tokens.forEach((token, place) => {
        const text = visible(tokenText(token)), shade = shades.get(place) || 0, level = most > 0 ? Math.min(1, Math.max(0, shade / most)) : 0;
        const isFocus = first + place === position;
        if (!isFocus && !special.has(token) && level < 0.005) { plain += text; return; }
        flush();
        const dim = special.has(token) ? "dim" : null;
        parts.push(element(isFocus ? "mark" : "span", { class: dim, share: level.toFixed(2), title: shade ? figure(shade) : null }, text));
      });
      flush();
      return element("li", {}, element("b", {}, figure(value)), element("q", {}, parts), element("small", {}, `sequence ${sequence} · token ${position}`));
    }
    """#
}
