// Links from a page to files near it. Comes in: two paths. Leaves: the way from one to the other, as an address.

import Foundation

enum RelativePath {
  /// The address of `path` in a page that lies in `folder`.
  static func address(of path: String, from folder: String) -> String {
    let (target, start) = (parts(path), parts(folder))
    let shared = zip(target, start).prefix { $0 == $1 }.count
    let up = Array(repeating: "..", count: start.count - shared)
    let down = target.dropFirst(shared).map(escaped)
    return ((up.isEmpty ? ["."] : up) + down).joined(separator: "/")
  }

  private static func parts(_ path: String) -> [String] {
    URL(fileURLWithPath: path).standardizedFileURL.path.split(separator: "/").map(String.init)
  }

  private static func escaped(_ part: String) -> String {
    part.addingPercentEncoding(withAllowedCharacters: plain) ?? part
  }

  private static let plain = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}
