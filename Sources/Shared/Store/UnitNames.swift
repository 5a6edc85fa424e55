// The names of units among those in a folder. Comes in: a folder of many files. Leaves: the units that are there, by one
// look at the folder in place of one at each of them, with nothing kept of the names.

extension StageFolder {
  /// So few units are looked at one by one.
  static let fewUnits = 64

  /// The units among `count` that are there, ascending; none where there are few.
  ///
  /// `name(i)` must have the number `i` in it. `other` gets the names that are no unit's.
  func unitsThere(
    _ count: Int, _ name: (Int) -> String, other: (String) -> Void = { _ in }
  ) throws(SystemError) -> [Int] {
    var units: [Int] = []
    try System.forEachName(path) { found in
      if let unit = number(in: found), unit < count, name(unit) == found {
        units.append(unit)
      } else {
        other(found)
      }
    }
    return count > Self.fewUnits ? units.sorted() : []
  }
}

/// The first number in a name; nil where there is none, or one that counts no units.
private func number(in name: String) -> Int? {
  let bytes = name.utf8Span.span
  var number: Int?
  for index in bytes.indices {
    let byte = bytes[index]
    if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      number = 10 * (number ?? 0) + Int(byte - UInt8(ascii: "0"))
      if let number, number > 1 << 48 { return nil }
    } else if number != nil {
      break
    }
  }
  return number
}
