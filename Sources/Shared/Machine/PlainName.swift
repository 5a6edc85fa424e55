// Names of files as manifests, listings and indexes state them. Comes in: text of anybody's. Leaves: whether it stays
// in its folder. Bytes are compared: to Swift a slash with an accent behind it is one letter, and no slash.

extension StringProtocol {
  /// Whether it can only be the name of something that lies in a folder itself.
  package var isPlainName: Bool {
    !isEmpty && !utf8.elementsEqual(".".utf8) && !utf8.elementsEqual("..".utf8)
      && !utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }

  /// Whether it is a path that leads nowhere but to what lies below the folder that it is seen from.
  package var staysInside: Bool {
    utf8.first != UInt8(ascii: "/") && !utf8.contains(0)
      && !utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
  }
}
