// The script that makes elements of a page, and writes numbers and tokens for people. Whatever a token, a
// name or a setting contains becomes text: nothing here or in the scripts that build on it reads markup.

enum ElementScript {
  static let text = #"""
    "use strict";

    function fill(made, attributes, children) {
      for (const [name, value] of Object.entries(attributes || {})) {
        if (value === undefined || value === null || value === false) continue;
        if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
        else if (name === "share") made.style.setProperty("--a", value);
        else if (name === "href") { if (isLocal(value)) made.setAttribute(name, value); }
        else made.setAttribute(name, value === true ? "" : value);
      }
      made.append(...children.flat().filter(child => child !== null && child !== undefined));
      return made;
    }
    // Links lead to places of the page and to files beside it: data never becomes an address elsewhere.
    const isLocal = address => /^(#|\.\.?\/|[\w-][\w.-]*(\/|$))/.test(address) && !address.includes(":");
    const element = (tag, attributes, ...children) =>
      fill(document.createElement(tag), attributes, children);
    const drawn = (tag, attributes, ...children) =>
      fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
    const empty = parent => { while (parent.firstChild) parent.firstChild.remove(); };

    const isNumber = value => typeof value === "number" && isFinite(value);

    function figure(value) {
      if (!isNumber(value)) return "–";
      if (value === 0) return "0";
      const size = Math.abs(value);
      if (size < 1e-3 || size >= 1e6) return value.toExponential(3);
      return value.toFixed(Math.max(0, 3 - Math.floor(Math.log10(size))));
    }
    function count(value) {
      if (!isNumber(value)) return "–";
      const units = ["", " k", " M", " G", " T"];
      let size = Math.abs(value), unit = 0;
      while (size >= (unit ? 999.5 : 1000) && unit < 4) { size /= 1000; unit++; }
      return (value < 0 ? "-" : "") + size.toFixed(unit && size < 99.95 ? 1 : 0) + units[unit];
    }
    function share(value) {
      if (!isNumber(value)) return "–";
      if (value > 0 && value < 0.0005) return (value * 1e6).toFixed(value < 1e-5 ? 1 : 0) + " per million";
      return (100 * value).toFixed(value < 0.01 ? 2 : 1) + " %";
    }
    const formats = {
      figure, count, share,
      whole: value => isNumber(value) ? String(Math.round(value)) : "–",
      text: value => value === null || value === undefined ? "" : String(value),
      token: value => value === null || value === undefined ? "" : visible(value),
    };

    // A token's text: line ends and tabs as signs, controls and marks of direction as their numbers.
    function visible(text) {
      let result = "";
      for (const sign of String(text)) {
        const code = sign.codePointAt(0);
        if (sign === "\n") result += "↵";
        else if (sign === "\r") result += "␍";
        else if (sign === "\t") result += "⇥";
        else if (code < 0x20 || code >= 0x7f && code < 0xa0 || code >= 0x200b && code <= 0x200f
          || code >= 0x202a && code <= 0x202e || code >= 0x2060 && code <= 0x206f || code === 0xfeff)
          result += "‹U+" + code.toString(16).toUpperCase().padStart(4, "0") + "›";
        else result += sign;
      }
      return result;
    }
    """#
}
