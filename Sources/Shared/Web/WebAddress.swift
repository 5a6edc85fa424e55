// Addresses of the web as text: whose they are, where a redirect leads, and how names are written into
// them. What a server sent stays as it is, since signed addresses bear no change.

package enum WebAddress {
  /// Scheme, host and port in lower case, the port as a number always: whom a token may be shown.
  ///
  /// - Returns: nil where the address is none of http or https.
  package static func origin(_ address: String) -> String? {
    guard let (scheme, authority) = parts(address), !authority.isEmpty, !authority.contains("@")
    else { return nil }
    let lower = authority.lowercased()
    let hasPort = lower.hasSuffix("]") ? false : lower.split(separator: ":").count > 1
    return "\(scheme)://\(lower)" + (hasPort ? "" : scheme == "https" ? ":443" : ":80")
  }

  /// Where a redirect of `base` leads (RFC 3986, 5.2, without dot segments, which the server resolves).
  package static func resolved(_ target: String, from base: String) -> String? {
    if parts(target) != nil { return target }
    guard let (scheme, authority) = parts(base), !target.isEmpty else { return nil }
    if target.hasPrefix("//") { return "\(scheme):\(target)" }
    if target.hasPrefix("/") { return "\(scheme)://\(authority)\(target)" }
    // Another scheme is refused; a colon further on belongs to a name.
    if let colon = target.firstIndex(of: ":"), !target[..<colon].contains("/") { return nil }
    let path = withoutQuery(base).dropFirst(scheme.count + 3 + authority.count)
    if target.hasPrefix("?") { return withoutQuery(base) + target }
    let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
    return "\(scheme)://\(authority)\(folder)\(target)"
  }

  /// The address as it may be shown: what follows the question mark can be a signature.
  package static func withoutQuery(_ address: String) -> String {
    String(address.prefix { $0 != "?" && $0 != "#" })
  }

  /// A path with everything but letters, digits, `-._~` and slashes written as %XX.
  package static func quoted(_ path: String, keeping kept: String = "/") -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    let plain = Set("-._~\(kept)".utf8)
    var bytes: [UInt8] = []
    for byte in path.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: bytes.append(byte)
      case _ where plain.contains(byte): bytes.append(byte)
      default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func parts(_ address: String) -> (scheme: String, authority: String)? {
    for scheme in ["https", "http"] {
      let head = "\(scheme)://"
      guard address.prefix(head.count).lowercased() == head else { continue }
      let rest = address.dropFirst(head.count)
      return (scheme, String(rest.prefix { !"/?#\\".contains($0) }))
    }
    return nil
  }
}
