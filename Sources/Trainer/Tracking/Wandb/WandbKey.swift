// The key by which W&B knows a user: from the environment or from a netrc file, as the official client
// finds it. It leaves in one header and is never shown.

import Foundation
import Shared

/// A secret that is sent and never shown.
package struct WandbKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  private let secret: String

  /// A key without the spaces around it; nil where nothing is left.
  ///
  /// - Throws: where the text cannot be a key, naming the place that it came from.
  init?(_ text: String, from place: String) throws(WandbError) {
    let secret = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !secret.isEmpty else { return nil }
    guard secret.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { throw .notAKey(place) }
    self.secret = secret
  }

  var authorization: String {
    "Basic " + Data("api:\(secret)".utf8).base64EncodedString()
  }

  package var description: String { "<key>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }

  /// The key for a server and the place it came from; nil where there is none.
  static func find(
    host: String, _ environment: [String: String]
  ) throws(WandbError) -> (key: WandbKey, place: String)? {
    if let key = try WandbKey(environment["WANDB_API_KEY"] ?? "", from: "WANDB_API_KEY") {
      return (key, "WANDB_API_KEY")
    }
    let path = netrcPath(environment)
    guard let bytes = try? MappedFile.contents(path), bytes.count <= netrcByteCount,
      let text = password(for: host, in: String(decoding: bytes, as: UTF8.self)),
      let key = try WandbKey(text, from: path)
    else { return nil }
    return (key, path)
  }

  /// The file of passwords that is read.
  static func netrcPath(_ environment: [String: String]) -> String {
    if let path = environment["NETRC"], !path.isEmpty { return HomeFolder.expanded(path) }
    guard let home = environment["HOME"], !home.isEmpty else {
      return HomeFolder.expanded("~/.netrc")
    }
    return home + "/.netrc"
  }

  /// More than any file of passwords has.
  private static let netrcByteCount = 1 << 20

  /// The password that a netrc file has for a host, or else for all others.
  static func password(for host: String, in text: String) -> String? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.drop { $0 == " " || $0 == "\t" }.hasPrefix("#") }
    var words = lines.flatMap { $0.split { $0 == " " || $0 == "\t" || $0 == "\r" } }[...]
    var isAbout = false
    while let word = words.popFirst() {
      switch word {
      case "machine": isAbout = words.popFirst().map { $0.lowercased() == host } ?? false
      case "default": isAbout = true
      case "password":
        guard let value = words.popFirst() else { return nil }
        if isAbout { return value.trimmingCharacters(in: CharacterSet(charactersIn: "\"")) }
      case "login", "account": _ = words.popFirst()
      default: break
      }
    }
    return nil
  }
}
