// The script that draws charts as SVG from a description: lines over steps, bars over bins, and points of
// which some are beaten by others. Comes in: {title, note, kind, x, y, series}. Leaves: a figure that is
// drawn as wide as there is room, shows the values under the pointer and zooms where one drags.

enum ChartScript {
  /// Axes: the range that is shown, its round numbers, and where a value lies.
  static let axes = #"""
    function ticks(low, high, wanted, whole) {
      const rough = (high - low) / wanted, power = Math.pow(10, Math.floor(Math.log10(rough)));
      const lead = rough / power;
      let step = (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10) * power;
      if (whole) step = Math.max(1, step);
      const values = [];
      for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++)
        values.push(index * step);
      return { values, step };
    }
    function logTicks(low, high, wanted) {
      const from = Math.floor(Math.log10(low)), to = Math.ceil(Math.log10(high));
      const every = Math.max(1, Math.round((to - from) / wanted));
      const leads = to - from <= 2 ? [1, 2, 5] : [1];
      const values = [];
      for (let power = from; power <= to; power += every)
        for (const lead of leads) {
          const value = lead * Math.pow(10, power);
          if (value >= low * 0.999 && value <= high * 1.001) values.push(value);
        }
      return { values: values.length > 1 ? values : [low, high], step: 0 };
    }
    // A scale from values to places between `start` and `end`.
    function scale(low, high, start, end, { log, whole, wanted }) {
      const place = log
        ? value => start + (Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low)) * (end - start)
        : value => start + (value - low) / (high - low) * (end - start);
      const value = at => {
        const share = (at - start) / (end - start);
        return log ? Math.exp(Math.log(low) + share * (Math.log(high) - Math.log(low))) : low + share * (high - low);
      };
      const { values, step } = log ? logTicks(low, high, wanted) : ticks(low, high, wanted, whole);
      return { low, high, place, value, values, label: tick => tickLabel(tick, step, Math.max(Math.abs(low), Math.abs(high))) };
    }
    function tickLabel(value, step, largest) {
      if (value === 0) return "0";
      if (largest >= 10000) return count(value).replace(".0 ", " ");
      if (!step) return value >= 1e-3 ? String(+value.toPrecision(2)) : value.toExponential(0);
      const decimals = Math.max(0, -Math.floor(Math.log10(step * 1.000001)));
      return decimals > 4 ? value.toExponential(1) : value.toFixed(decimals);
    }
    // The range of values, with some room around one that has no width.
    function widened(low, high, log) {
      if (!(low <= high)) return log ? [0.1, 10] : [0, 1];
      if (high - low <= Math.max(Math.abs(low), Math.abs(high)) * 1e-9)
        return log ? [low / 1.5, high * 1.5] : [low - Math.max(Math.abs(low) * 0.1, 0.1), high + Math.max(Math.abs(high) * 0.1, 0.1)];
      return log ? [low / 1.05, high * 1.05] : [low, high];
    }
    """#

  /// The frame of every chart: title, legend, buttons, pointer and zoom; kinds draw into it.
  static let frame = #"""
    const kinds = {};
    const styleOf = index => "s" + index % 8 + (index >= 8 ? " again" : "");

    // The place beside the pointer in which values stand.
    function moveNote(note, at, width, lines) {
      empty(note);
      note.append(...lines);
      note.hidden = false;
      if (at > width / 2) { note.style.right = width - at + 12 + "px"; note.style.left = "auto"; }
      else { note.style.left = at + 12 + "px"; note.style.right = "auto"; }
    }

    function chart(d) {
      const view = { d, log: d.y.log === true, hidden: new Set(), zoom: null };
      const plot = element("div", { class: "plot", tabindex: "0", role: "img", "aria-label": d.title });
      const note = element("div", { class: "pointer", hidden: true });
      const kind = kinds[d.kind || "lines"];
      const reset = element("button", { class: "tool", hidden: true, onclick: () => zoom(null) }, "whole range");
      const tools = element("span", { class: "tools" }, reset);
      if (d.y.log !== undefined) {
        const toggle = element("button", { class: "tool", "aria-pressed": String(view.log), onclick: () => {
          view.log = !view.log;
          toggle.setAttribute("aria-pressed", String(view.log));
          draw();
        } }, "log");
        tools.append(toggle);
      }
      function zoom(range) {
        view.zoom = range;
        reset.hidden = !range;
        draw();
      }
      function draw() {
        empty(plot);
        view.width = Math.max(240, plot.clientWidth || 520);
        view.height = d.height || Math.round(Math.min(300, Math.max(210, view.width * 0.42)));
        view.picture = drawn("svg", { viewBox: `0 0 ${view.width} ${view.height}`, width: view.width, height: view.height, "aria-hidden": "true" });
        kind.draw(view);
        plot.append(view.picture, note);
        note.hidden = true;
      }
      follow(plot, view, note, kind, zoom);
      new ResizeObserver(() => requestAnimationFrame(() => {
        if (plot.clientWidth && Math.abs(plot.clientWidth - view.width) > 1) draw();
      })).observe(plot);
      const legend = legendOf(view, () => draw());
      const made = element("figure", { class: "chart" + (d.wide ? " wide" : ""), id: d.id },
        element("figcaption", {}, element("b", {}, d.title), d.note ? element("small", {}, d.note) : null, tools),
        legend, plot);
      made.zoom = zoom;
      made.view = view;
      draw();
      return made;
    }

    function legendOf(view, draw) {
      const series = view.d.series;
      if (series.length < 2 && !view.d.legend) return null;
      return element("div", { class: "legend" }, series.map((one, index) => {
        const button = element("button", { "aria-pressed": "true", onclick: () => {
          if (!view.hidden.delete(index)) view.hidden.add(index);
          button.setAttribute("aria-pressed", String(!view.hidden.has(index)));
          draw();
        } }, drawn("svg", { width: 26, height: 8, class: styleOf(index) },
          drawn("path", { class: "line " + styleOf(index), d: "M0 4H26" })), one.name);
        return button;
      }));
    }

    // Values under the pointer, and the range that is dragged over.
    function follow(plot, view, note, kind, zoom) {
      let start = null, band = null;
      const place = event => event.clientX - plot.getBoundingClientRect().left;
      const leave = () => { note.hidden = true; kind.leave?.(view); };
      const show = (at, top) => {
        const found = kind.at(view, at, top);
        if (found) moveNote(note, found.at, view.width, found.lines); else leave();
      };
      plot.addEventListener("pointermove", event => {
        const at = place(event);
        show(at, event.clientY - plot.getBoundingClientRect().top);
        if (start === null) return;
        if (!band) { band = drawn("rect", { class: "band", y: 0, height: view.height }); view.picture.append(band); }
        band.setAttribute("x", Math.min(start, at));
        band.setAttribute("width", Math.abs(at - start));
      });
      plot.addEventListener("pointerdown", event => {
        if (event.pointerType === "touch" || event.button !== 0 || view.d.fixed) return;
        start = place(event);
        // Without it, a drag that ends outside would never end.
        try { plot.setPointerCapture(event.pointerId); } catch { }
      });
      plot.addEventListener("pointerup", event => {
        const end = place(event), from = start;
        start = null;
        band?.remove();
        band = null;
        if (from !== null && Math.abs(end - from) > 8) {
          const [low, high] = [view.x.value(Math.min(from, end)), view.x.value(Math.max(from, end))];
          zoom([Math.max(low, view.x.low), Math.min(high, view.x.high)]);
        } else kind.open?.(view, end, event.clientY - plot.getBoundingClientRect().top);
      });
      plot.addEventListener("pointercancel", () => { start = null; band?.remove(); band = null; });
      plot.addEventListener("pointerleave", leave);
      plot.addEventListener("dblclick", () => zoom(null));
      plot.addEventListener("keydown", event => {
        if (event.key === "Escape") return zoom(null);
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        view.key = Math.min(view.width - 18, Math.max(56, (view.key ?? view.width / 2) + step * 12));
        show(view.key, view.height / 2);
      });
    }

    // Rules, ticks and the names of both axes.
    function drawAxes(view, left, right, top, bottom) {
      const { x, y, d, picture } = view;
      for (const value of y.values) {
        const at = y.place(value);
        picture.append(drawn("line", { class: "grid", x1: left, x2: right, y1: at, y2: at }),
          drawn("text", { class: "tick end", x: left - 6, y: at + 4 }, y.label(value)));
      }
      let free = -Infinity;
      for (const value of x.values) {
        const at = x.place(value), label = x.label(value);
        if (at < left - 1 || at > right + 1 || at - label.length * 3.5 < free) continue;
        free = at + label.length * 3.5 + 8;
        picture.append(drawn("line", { class: "notch", x1: at, x2: at, y1: bottom, y2: bottom + 4 }),
          drawn("text", { class: "tick middle", x: at, y: bottom + 17 }, label));
      }
      picture.append(drawn("text", { class: "axis end", x: right, y: bottom + 33 }, d.x.name),
        drawn("text", { class: "axis", x: 2, y: 10 }, d.y.name + (view.log ? ", log scale" : "")));
    }
    """#
}
