// The kinds of chart: lines, bars and points. Each draws into the frame of ChartScript and says what
// stands under the pointer.

enum ChartKindsScript {
  static let lines = #"""
    // A line's points within the zoomed range and one on either side of it; gaps where a value is missing.
    function shownPoints(view, one) {
      const points = [];
      for (let index = 0; index < one.x.length; index++) {
        const x = one.x[index], y = one.y[index];
        if (!isNumber(x) || !isNumber(y) || view.log && y <= 0 || view.d.x.log && x <= 0) continue;
        points.push([x, y]);
      }
      if (!view.zoom) return points;
      const [low, high] = view.zoom;
      const from = points.findIndex(point => point[0] >= low);
      let to = points.length - 1;
      while (to >= 0 && points[to][0] > high) to--;
      return from < 0 ? [] : points.slice(Math.max(0, from - 1), to + 2);
    }
    function lay(view, all, options) {
      const { d } = view, left = 56, right = view.width - 14, top = 20, bottom = view.height - 40;
      const inside = view.zoom ? all.filter(p => p[0] >= view.zoom[0] && p[0] <= view.zoom[1]) : all;
      const xs = inside.map(p => p[0]), ys = inside.map(p => d.y.floor !== undefined ? Math.max(p[1], d.y.floor) : p[1]);
      const least = values => values.reduce((a, b) => Math.min(a, b), Infinity);
      const most = values => values.reduce((a, b) => Math.max(a, b), -Infinity);
      let [x0, x1] = view.zoom || widened(least(xs), most(xs), d.x.log);
      // Room for the points themselves, and for their names.
      if (options && !view.zoom && !d.x.log) [x0, x1] = [x0 - (x1 - x0) * 0.04, x1 + (x1 - x0) * 0.06];
      let [y0, y1] = [least(ys), most(ys)];
      if (d.y.zero && !view.log) [y0, y1] = [Math.min(0, y0), Math.max(0, y1)];
      [y0, y1] = widened(y0, y1, view.log);
      if (!view.log) {
        const { step } = ticks(y0, y1, 4, d.y.whole);
        [y0, y1] = [Math.floor(y0 / step + 1e-9) * step, Math.ceil(y1 / step - 1e-9) * step];
      }
      const wide = Math.max(3, Math.round(view.width / 110));
      view.x = scale(x0, x1, left, right, { log: d.x.log, whole: d.x.whole, wanted: wide });
      view.y = scale(y0, y1, bottom, top, { log: view.log, whole: d.y.whole, wanted: 4 });
      view.edge = { left, right, top, bottom };
      drawAxes(view, left, right, top, bottom);
      const clip = "clip" + ++clips;
      const body = drawn("g", { "clip-path": `url(#${clip})` });
      view.picture.append(drawn("clipPath", { id: clip }, drawn("rect", { x: left - (options?.slack || 0), y: top - 7, width: right - left + 2 * (options?.slack || 0), height: bottom - top + 14 })), body);
      return body;
    }
    let clips = 0;
    const clamp = (view, y) => Math.min(view.y.high, Math.max(view.y.low, y));

    kinds.lines = {
      draw(view) {
        view.lines = view.d.series.map((one, index) => view.hidden.has(index) ? [] : shownPoints(view, one));
        const body = lay(view, view.lines.flat());
        view.lines.forEach((points, index) => {
          if (!points.length) return;
          const path = points.map(([x, y], at) =>
            (at ? "L" : "M") + view.x.place(x).toFixed(1) + " " + view.y.place(clamp(view, y)).toFixed(1)).join("");
          body.append(drawn("path", { class: "line " + styleOf(index), d: path }));
          if (points.length === 1)
            body.append(drawn("circle", { class: "dot " + styleOf(index), cx: view.x.place(points[0][0]), cy: view.y.place(clamp(view, points[0][1])), r: 3 }));
        });
        view.marks = drawn("g", {});
        view.picture.append(view.marks);
      },
      at(view, at) {
        const { left, right, top, bottom } = view.edge;
        if (at < left - 8 || at > right + 8) return null;
        const wanted = view.x.value(at);
        const found = view.lines.map((points, index) => ({ index, point: nearest(points, wanted) })).filter(one => one.point);
        if (!found.length) return null;
        const near = found.reduce((a, b) => Math.abs(b.point[0] - wanted) < Math.abs(a.point[0] - wanted) ? b : a).point[0];
        const place = view.x.place(near);
        empty(view.marks);
        view.marks.append(drawn("line", { class: "rule", x1: place, x2: place, y1: top, y2: bottom }),
          ...found.map(({ index, point }) => drawn("circle", { class: "dot " + styleOf(index), cx: view.x.place(point[0]), cy: view.y.place(clamp(view, point[1])), r: 3.5 })));
        return { at: place, lines: [element("b", {}, view.d.x.name + " " + (view.d.x.whole ? Math.round(near) : figure(near))),
          ...found.map(({ index, point }) => element("div", {}, element("i", { class: styleOf(index) }), view.d.series[index].name, element("span", {}, figure(point[1]))))] };
      },
      leave(view) { empty(view.marks); },
    };
    function nearest(points, x) {
      if (!points.length) return null;
      let low = 0, high = points.length - 1;
      while (high - low > 1) {
        const middle = low + high >> 1;
        if (points[middle][0] < x) low = middle; else high = middle;
      }
      return Math.abs(points[low][0] - x) <= Math.abs(points[high][0] - x) ? points[low] : points[high];
    }
    """#

  static let bars = #"""
    // Bars between edges; what lies in no bin, such as latents that were never active, has a bar of its own.
    kinds.bars = {
      draw(view) {
        const { d } = view, [one] = d.series;
        const aside = d.aside && d.aside.value > 0 ? 58 : 0;
        const left = 56 + aside, right = view.width - 14, top = 20, bottom = view.height - 40;
        const most = Math.max(1, ...one.values, aside ? d.aside.value : 0);
        const steps = ticks(0, most, 4, true);
        const high = view.log ? most * 1.2 : Math.ceil(most / steps.step - 1e-9) * steps.step;
        view.y = scale(view.log ? 0.7 : 0, high, bottom, top, { log: view.log, whole: true, wanted: 4 });
        const [from, to] = view.zoom || [one.edges[0], one.edges[one.edges.length - 1]];
        view.x = scale(from, to, left, right, { whole: d.x.whole, wanted: Math.max(3, Math.round(view.width / 110)) });
        view.edge = { left, right, top, bottom };
        drawAxes(view, left, right, top, bottom);
        if (aside) for (const line of view.picture.querySelectorAll(".grid")) line.setAttribute("x1", 56);
        if (aside) for (const text of view.picture.querySelectorAll(".tick.end")) text.setAttribute("x", 50);
        const bar = (x, width, value, style) => {
          if (value <= 0) return;
          const y = view.y.place(Math.max(value, view.y.low));
          view.picture.append(drawn("rect", { class: "bar " + (style || ""), x, y, width: Math.max(1, width), height: Math.max(1, bottom - y) }));
        };
        one.values.forEach((value, index) => {
          const start = Math.max(left, view.x.place(one.edges[index])), end = Math.min(right, view.x.place(one.edges[index + 1]));
          if (end - start > 0.2) bar(start + 0.5, end - start - 1, value);
        });
        if (!aside) return;
        bar(62, 26, d.aside.value, "aside");
        view.picture.append(drawn("text", { class: "tick middle", x: 75, y: bottom + 17 }, d.aside.name));
      },
      at(view, at) {
        const { d } = view, [one] = d.series, unit = d.unit || "";
        if (d.aside && d.aside.value > 0 && at >= 56 && at < 92)
          return { at, lines: [element("b", {}, d.aside.note || d.aside.name), element("div", {}, d.aside.value + " " + unit)] };
        const value = view.x.value(at);
        const index = one.edges.findIndex((edge, place) => value >= edge && value < one.edges[place + 1]);
        if (index < 0) return null;
        return { at, lines: [element("b", {}, figure(one.edges[index]) + " to " + figure(one.edges[index + 1])), element("div", {}, one.values[index] + " " + unit)] };
      },
    };
    """#

  static let points = #"""
    // Named points; those of `front`, which no other beats, are joined by a line and have their names.
    kinds.points = {
      draw(view) {
        const shown = view.d.series.map((one, index) => view.hidden.has(index) ? [] : one.x.map((x, at) =>
          ({ x, y: one.y[at], name: one.labels?.[at] || one.name, link: one.links?.[at], front: !!one.front?.[at], index })).filter(p => isNumber(p.x) && isNumber(p.y)));
        view.points = shown.flat();
        const body = lay(view, view.points.map(p => [p.x, p.y]), { slack: 8 });
        const placed = p => [view.x.place(p.x), view.y.place(clamp(view, p.y))];
        shown.forEach((points, index) => {
          const front = points.filter(p => p.front).sort((a, b) => a.x - b.x);
          if (front.length > 1)
            body.append(drawn("path", { class: "line " + styleOf(index), d: "M" + front.map(p => placed(p).map(v => v.toFixed(1)).join(" ")).join("L") }));
        });
        const taken = view.points.map(p => { const [x, y] = placed(p); return [x - 6, y - 6, x + 6, y + 6]; });
        for (const p of [...view.points].sort((a, b) => b.front - a.front)) {
          const [x, y] = placed(p);
          body.append(drawn("circle", { class: "point " + styleOf(p.index) + (p.front ? " front" : "") + (p.link ? " linked" : ""), cx: x, cy: y, r: 5 }));
          const size = p.name.length * 6.6;
          const places = [[x + 8, y + 15], [x + 9, y + 4], [x + 8, y - 8], [x - size - 8, y + 4], [x - size - 8, y - 8], [x - size - 8, y + 15], [x - size / 2, y + 20], [x - size / 2, y - 10]];
          for (const [from, base] of places) {
            const box = [from, base - 10, from + size, base + 3];
            if (box[0] < view.edge.left || box[2] > view.edge.right + 8 || box[1] < view.edge.top - 6 || box[3] > view.edge.bottom
              || taken.some(t => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) continue;
            taken.push(box);
            body.append(drawn("text", { class: "mark" + (p.front ? " front" : ""), x: from, y: base }, p.name));
            break;
          }
        }
      },
      find(view, at, top) {
        let best = null, least = 26;
        for (const p of view.points) {
          const far = Math.hypot(view.x.place(p.x) - at, view.y.place(clamp(view, p.y)) - top);
          if (far < least) [best, least] = [p, far];
        }
        return best;
      },
      at(view, at, top) {
        const p = this.find(view, at, top);
        if (!p) return null;
        return { at: view.x.place(p.x), lines: [element("b", {}, p.name),
          element("div", {}, view.d.x.name, element("span", {}, figure(p.x))), element("div", {}, view.d.y.name, element("span", {}, figure(p.y))),
          p.link ? element("small", {}, "click opens its report") : null].filter(Boolean) };
      },
      open(view, at, top) {
        const p = this.find(view, at, top);
        if (p?.link && isLocal(p.link)) location.href = p.link;
      },
    };
    """#
}
