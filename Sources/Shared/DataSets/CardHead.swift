// Where the YAML head of a card lies. Comes in: the beginning of a README.md. Leaves: the range between
// its two lines of three dashes, found in one pass.

/// What the beginning of a card says of its head.
enum CardHead {
  case none
  /// Its bytes, and the number of the line that it begins in, from 1.
  case found(Range<Int>, line: Int)
  /// It has no end in these bytes.
  case open

  /// Looks at the first bytes of a card, or at all of them.
  init(_ text: [UInt8], isWhole: Bool) {
    var (line, start, head) = (0, 0, Int?.none)
    var firstLine = 0
    while start < text.count {
      let newline = text[start...].firstIndex(of: 0x0A)
      // Of a line that is cut nothing is known.
      guard newline != nil || isWhole else { break }
      let end = newline ?? text.count
      let content = text[start..<end]
      line += 1
      if let head {
        if content.starts(with: "---".utf8), CardHead.isBlank(content.dropFirst(3)) {
          self = start > head ? .found(head..<start - 1, line: firstLine) : .none
          return
        }
      } else if !CardHead.isBlank(content) {
        guard CardHead.isMark(content) else {
          self = .none
          return
        }
        (head, firstLine) = (end + 1, line + 1)
      }
      start = end + 1
    }
    self = isWhole ? .none : .open
  }

  /// The lines of a head with line feeds between them, whatever ended them.
  static func lines(_ head: ArraySlice<UInt8>) -> [UInt8] {
    var lines: [UInt8] = []
    for (index, byte) in zip(head.indices, head) {
      let isLast = index + 1 == head.endIndex
      if byte != 0x0D || !isLast && head[index + 1] != 0x0A { lines.append(byte) }
    }
    return lines
  }

  private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool { line.allSatisfy { $0 <= 0x20 } }

  /// Three dashes, perhaps behind blanks and before the end of the line.
  private static func isMark(_ line: ArraySlice<UInt8>) -> Bool {
    let text = line.last == 0x0D ? line.dropLast() : line
    return text.drop { $0 <= 0x20 }.elementsEqual("---".utf8)
  }
}
