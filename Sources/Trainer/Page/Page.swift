// A page for people: one HTML file that needs nothing else, drawn by its own scripts from the JSON in it. Comes
// in: what stands at the top, and sections of blocks. Leaves: HTML, in which data cannot become markup or script.

import Foundation
package import Shared

/// A page about one thing.
package struct Page: Sendable {
  /// A link at the top of a page, relative, so that the store can be moved.
  package struct Link: Sendable, Equatable {
    package let text: String
    package let address: String

    package init(_ text: String, to address: String) {
      self.text = text
      self.address = address
    }
  }

  /// The title of the window.
  package let title: String
  /// What it is about: "Sparse autoencoder".
  package let kind: String
  package let name: String
  /// Short texts below the name.
  package let facts: [String]
  package let links: [Link]
  package let sections: [PageSection]
  /// What the scripts of the page read besides its sections.
  package let data: [String: JSON]
  /// Scripts that add kinds of block: `blocks.name = data => element`.
  private let scripts: [String]

  package init(
    title: String, kind: String, name: String, facts: [String], links: [Link] = [],
    sections: [PageSection], data: [String: JSON] = [:], scripts: [String] = []
  ) {
    self.title = title
    self.kind = kind
    self.name = name
    self.facts = facts
    self.links = links
    self.sections = sections
    self.data = data
    self.scripts = scripts
  }

  package var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="\(policy)">
    <title>\(HTML.escaped(title))</title>
    <style>\(PageStyle.sheet)</style>
    </head>
    <body>
    <noscript><p>This page draws itself with the script in it, which is switched off here.</p></noscript>
    <script type="application/json" id="data">\(Page.embedded(json))</script>
    <script>\(script)</script>
    </body>
    </html>

    """
  }

  private var json: JSON {
    let frame: [String: JSON] = [
      "kind": .string(kind), "name": .string(name), "facts": .array(facts.map { .string($0) }),
      "links": .array(links.map { ["text": .string($0.text), "link": .string($0.address)] }),
      "sections": .array(sections.filter { !$0.blocks.isEmpty }.map(\.json)),
    ]
    return .object(frame.merging(data) { first, _ in first })
  }

  private var script: String {
    let parts =
      [
        ElementScript.text, ChartScript.axes, ChartScript.frame, ChartKindsScript.lines,
        ChartKindsScript.bars, ChartKindsScript.points, TableScript.text, FrameScript.text,
      ] + scripts + [FrameScript.start]
    return "\n" + parts.joined(separator: "\n") + "\n"
  }

  /// Only the script of the page runs, known by its digest, and what lies beside the page as a script.
  private var policy: String {
    "default-src 'none'; style-src 'unsafe-inline'; "
      + "script-src 'sha256-\(Page.base64(digest: Digest.of(script)))' 'self' file:"
  }

  /// JSON as it may stand in a script element: nothing in it ends the element or begins a comment.
  ///
  /// Byte by byte: to Swift, a letter and the marks that join it are one character.
  package static func embedded(_ json: JSON) -> String {
    var bytes: [UInt8] = []
    for byte in json.canonical.utf8 {
      if byte == UInt8(ascii: "<") { bytes += Array("\\u003c".utf8) } else { bytes.append(byte) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A digest in hexadecimal digits, as policies write it.
  private static func base64(digest: String) -> String {
    let digits = Array(digest.utf8)
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap { index in
      UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16)
    }
    return Data(bytes).base64EncodedString()
  }
}

/// A part of a page with a heading that can be linked to.
package struct PageSection: Sendable {
  package let id: String
  package let title: String
  package let note: String
  package let blocks: [JSON]

  package init(_ title: String, id: String, note: String = "", blocks: [JSON?]) {
    self.id = id
    self.title = title
    self.note = note
    self.blocks = blocks.compactMap(\.self)
  }

  var json: JSON {
    [
      "id": .string(id), "title": .string(title), "note": .string(note), "blocks": .array(blocks),
    ]
  }
}
