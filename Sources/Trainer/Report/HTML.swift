// Text for an HTML page: whatever a token, a name or a setting contains, it cannot become markup.

import Shared

/// Text made safe for a page.
package enum HTML {
  /// Escapes what HTML reads as markup, in text and in quoted attributes alike.
  package static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case _ where isInvisible(scalar) && scalar != "\n" && scalar != "\t": result += code(scalar)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A whole page in the style of the report; nothing in it runs and nothing is loaded.
  package static func page(title: String, body: [String]) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="\(policy)">
    <title>\(escaped(title))</title>
    <style>\(ReportStyle.sheet)</style>
    </head>
    <body>
    \(body.joined(separator: "\n"))
    </body>
    </html>

    """
  }

  /// Nothing runs and nothing is loaded, whatever the text of a token may be.
  private static let policy = ["script", "img", "font", "connect", "object", "frame"]
    .map { "\($0)-src 'none'" }.joined(separator: "; ")

  /// A chart under its title and a note.
  static func figure(_ title: String, _ note: String, _ body: String) -> String {
    "<figure><figcaption>\(escaped(title))<small>\(escaped(note))</small></figcaption>"
      + body + "</figure>"
  }

  /// The top of a page: what it is about, and facts in a row.
  static func header(kind: String, name: String, facts: [String]) -> String {
    let items = facts.map { "<span>\(escaped($0))</span>" }
    return "<header><p class=\"kind\">\(escaped(kind))</p><h1>\(escaped(name))</h1>"
      + "<p class=\"facts\">\(items.joined())</p></header>"
  }

  /// A token's text with line ends and tabs made visible; spaces stay and are kept by the style.
  package static func token(_ text: String) -> String {
    var visible = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": visible += "↵"
      case "\r": visible += "␍"
      case "\t": visible += "⇥"
      default: visible.unicodeScalars.append(scalar)
      }
    }
    return escaped(visible)
  }

  /// Controls, and marks that would turn the direction of the text around them.
  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFEFF: true
    default: false
    }
  }

  private static func code(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "‹U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "›"
  }
}
