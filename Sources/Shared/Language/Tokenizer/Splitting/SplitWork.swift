// Steps of cutting at work on pieces. Comes in: pieces. Leaves: more and smaller ones.

/// The memory that steps share while a text is cut.
struct SplitWork {
  /// Whether the first piece starts where the whole input starts.
  fileprivate var isFirst: Bool
  fileprivate var other = Pieces()
  var parts: [Part] = []
  var regex = RegexPattern.Scratch()
  /// Whether bytes are spelled with the byte alphabet.
  private var isSpelled = false

  /// A stretch of a piece, matched or not.
  struct Part {
    var start: Int
    var end: Int
    var isMatch: Bool
  }

  init(isFirst: Bool) { self.isFirst = isFirst }

  /// Spells bytes with the byte alphabet, which is what steps behind `ByteLevel` see.
  mutating func spell(_ pieces: inout Pieces) {
    other.removeAll()
    var start = 0
    for end in pieces.ends {
      for index in start..<end { other.bytes += SplitWork.spellings[Int(pieces.bytes[index])] }
      other.endPiece()
      start = end
    }
    swap(&pieces, &other)
    isSpelled = true
  }

  /// Takes bytes for their spelling again.
  mutating func unspell(_ pieces: inout Pieces) {
    guard isSpelled else { return }
    other.removeAll()
    let bytes = pieces.bytes
    var index = 0
    for end in pieces.ends {
      while index < end {
        let scalar = Scalars.read(bytes.span, at: index)
        other.bytes.append(SplitWork.spelled[Int(scalar.value)])
        index += scalar.count
      }
      other.endPiece()
    }
    swap(&pieces, &other)
    isSpelled = false
  }

  private static let spellings = ByteAlphabet.scalars.map { Array(String($0).utf8) }

  /// The byte that each character of the alphabet stands for.
  private static let spelled: [UInt8] = {
    var bytes = [UInt8](repeating: 0, count: 0x200)
    for (byte, scalar) in ByteAlphabet.scalars.enumerated() {
      bytes[Int(scalar.value)] = UInt8(byte)
    }
    return bytes
  }()
}

extension SplitStep {
  /// Cuts every piece.
  func apply(_ pieces: inout Pieces, _ work: inout SplitWork) {
    switch self {
    case .byteLevel(let prefixSpace, let pattern):
      if prefixSpace == .added { prependSpace(&pieces, &work) }
      if let pattern { cut(&pieces, &work, pattern) }
    case .split(.compiled(let pattern), let behavior, let isInverted)
    where behavior.keepsTiles(isInverted: isInverted):
      cut(&pieces, &work, pattern)
    case .split(let matcher, let behavior, let isInverted):
      divide(&pieces, &work, behavior, isInverted: isInverted) { text, work in
        matcher.match(text, &work)
      }
    case .metaspace(let replacement, let prepending, let splits):
      replaceSpaces(&pieces, &work, replacement, prepending)
      guard splits else { return }
      divide(&pieces, &work, .mergedWithNext, isInverted: false) { text, work in
        work.match(text, replacement)
      }
    case .punctuation(let set, let behavior), .digits(let set, let behavior):
      divide(&pieces, &work, behavior, isInverted: false) { text, work in work.match(text, set) }
    case .bert(let space, let punctuation):
      divide(&pieces, &work, .removed, isInverted: false) { text, work in work.match(text, space) }
      divide(&pieces, &work, .isolated, isInverted: false) { text, work in
        work.match(text, punctuation)
      }
    case .scripts:
      divide(&pieces, &work, .removed, isInverted: true) { text, work in work.matchScripts(text) }
    case .fixedLength(let length):
      divide(&pieces, &work, .isolated, isInverted: false) { text, work in
        work.match(text, length: length)
      }
    }
  }

  // MARK: - Tiles

  /// Cuts every piece with a pattern whose pieces tile it.
  private func cut(
    _ pieces: inout Pieces, _ work: inout SplitWork, _ pattern: some CompiledPattern
  ) {
    work.other.ends.removeAll(keepingCapacity: true)
    let bytes = pieces.bytes
    let text = bytes.span
    var start = 0
    for end in pieces.ends {
      let piece = text.extracting(start..<end)
      var done = 0
      while done < piece.count {
        done = pattern.pieceEnd(piece, from: done, to: piece.count)
        work.other.ends.append(start + done)
      }
      start = end
    }
    swap(&pieces.ends, &work.other.ends)
  }

  private func prependSpace(_ pieces: inout Pieces, _ work: inout SplitWork) {
    rebuild(&pieces, &work) { piece, _, result in
      if piece.first != 0x20 { result.append(0x20) }
      result += piece
    }
  }

  private func replaceSpaces(
    _ pieces: inout Pieces, _ work: inout SplitWork, _ replacement: [UInt8],
    _ prepending: Prepending
  ) {
    rebuild(&pieces, &work) { piece, isFirst, result in
      let starts = piece.first == 0x20 || piece.starts(with: replacement)
      if !starts, prepending == .always || prepending == .first && isFirst { result += replacement }
      for byte in piece {
        if byte == 0x20 { result += replacement } else { result.append(byte) }
      }
    }
  }

  private func rebuild(
    _ pieces: inout Pieces, _ work: inout SplitWork,
    _ body: (ArraySlice<UInt8>, _ isFirst: Bool, inout [UInt8]) -> Void
  ) {
    work.other.removeAll()
    var start = 0
    for end in pieces.ends {
      body(pieces.bytes[start..<end], start == 0 && work.isFirst, &work.other.bytes)
      work.other.endPiece()
      start = end
    }
    swap(&pieces, &work.other)
  }

  // MARK: - Matches

  /// Cuts every piece where `match` says, which lists its parts.
  private func divide(
    _ pieces: inout Pieces, _ work: inout SplitWork, _ behavior: SplitBehavior, isInverted: Bool,
    _ match: (borrowing Span<UInt8>, inout SplitWork) -> Void
  ) {
    work.other.removeAll()
    let isFirst = work.isFirst
    let bytes = pieces.bytes
    let text = bytes.span
    var start = 0
    for end in pieces.ends {
      let piece = text.extracting(start..<end)
      work.parts.removeAll(keepingCapacity: true)
      match(piece, &work)
      if isInverted { for index in work.parts.indices { work.parts[index].isMatch.toggle() } }
      work.merge(behavior)
      if start == 0 { work.isFirst = isFirst && work.keepsStart }
      for part in work.parts where !part.isMatch && part.end > part.start {
        work.other.bytes.append(copying: piece.extracting(part.start..<part.end))
        work.other.endPiece()
      }
      start = end
    }
    swap(&pieces, &work.other)
  }
}

extension SplitWork {
  /// Whether the first part that is kept starts the piece.
  fileprivate var keepsStart: Bool {
    parts.first { !$0.isMatch && $0.end > $0.start }?.start == 0
  }

  /// Turns matches and what lies between into pieces; those still marked as matches are removed.
  fileprivate mutating func merge(_ behavior: SplitBehavior) {
    var kept = 0
    var wasMatch = false
    switch behavior {
    case .removed: return
    case .isolated: for index in parts.indices { parts[index].isMatch = false }
    case .contiguous, .mergedWithPrevious:
      for part in parts {
        let joins =
          behavior == .contiguous
          ? part.isMatch == wasMatch : part.isMatch && !wasMatch
        wasMatch = part.isMatch
        if joins, kept > 0 {
          parts[kept - 1].end = part.end
        } else {
          parts[kept] = Part(start: part.start, end: part.end, isMatch: false)
          kept += 1
        }
      }
      parts.removeLast(parts.count - kept)
    case .mergedWithNext:
      kept = parts.count
      for index in parts.indices.reversed() {
        let part = parts[index]
        let joins = part.isMatch && !wasMatch
        wasMatch = part.isMatch
        if joins, kept < parts.count {
          parts[kept].start = part.start
        } else {
          kept -= 1
          parts[kept] = Part(start: part.start, end: part.end, isMatch: false)
        }
      }
      parts.removeFirst(kept)
    }
  }
}
