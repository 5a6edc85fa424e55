// What the environment says about the Hub, in the variables and with the rules of huggingface_hub: where
// it is, who asks, where its files are kept, and whether it may be asked at all.

import Foundation

/// A secret that is sent and never shown.
package struct HubToken: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  private let secret: String

  /// A token without the spaces and line ends around it; nil where nothing is left.
  ///
  /// - Throws: where the text cannot be a token, naming the place that it came from.
  package init?(_ text: String, from place: String) throws(HubError) {
    let secret = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !secret.isEmpty else { return nil }
    guard secret.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { throw .notAToken(place) }
    self.secret = secret
  }

  var authorization: String { "Bearer \(secret)" }

  package var description: String { "<token>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The Hub as one process sees it.
package struct HubEnvironment: Sendable {
  /// Where the Hub is, without a slash at the end.
  package let endpoint: String
  package let token: HubToken?
  /// The folder that holds `models--owner--name` and its like.
  package let cacheFolder: String
  package let isOffline: Bool
  /// The variable that forbids the network.
  package let offlineVariable: String
  package let allowsLinks: Bool
  package let showsProgress: Bool
  package let http: HTTPSettings

  static let publicEndpoint = "https://huggingface.co"

  /// Reads variables as huggingface_hub's `constants.py` and `utils/_auth.py` do.
  package init(_ environment: [String: String]) throws(HubError) {
    func isTrue(_ name: String) -> Bool {
      ["1", "ON", "YES", "TRUE"].contains((environment[name] ?? "").uppercased())
    }
    func path(_ name: String) -> String? {
      environment[name].map { HubEnvironment.expanded($0, environment) }
    }
    var endpoint = environment["HF_ENDPOINT"] ?? ""
    while endpoint.hasSuffix("/") { endpoint.removeLast() }
    if endpoint.isEmpty { endpoint = HubEnvironment.publicEndpoint }
    guard WebAddress.origin(endpoint) != nil else { throw .badEndpoint(endpoint) }
    self.endpoint = endpoint

    let cache = environment["XDG_CACHE_HOME"] ?? HubEnvironment.expanded("~/.cache", environment)
    let home = HubEnvironment.expanded(
      environment["HF_HOME"] ?? cache + "/huggingface", environment)
    let folder = path("HF_HUB_CACHE") ?? path("HUGGINGFACE_HUB_CACHE") ?? home + "/hub"
    cacheFolder = HomeFolder.absolute(folder)

    token = try HubEnvironment.token(
      environment, path: path("HF_TOKEN_PATH") ?? home + "/token",
      isImplicit: !isTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN"))

    // As there: an empty HF_HUB_OFFLINE leaves it to the older variable.
    offlineVariable =
      (environment["HF_HUB_OFFLINE"] ?? "").isEmpty ? "TRANSFORMERS_OFFLINE" : "HF_HUB_OFFLINE"
    isOffline = isTrue(offlineVariable)
    allowsLinks = !isTrue("HF_HUB_DISABLE_SYMLINKS")
    showsProgress = !isTrue("HF_HUB_DISABLE_PROGRESS_BARS")

    var http = HTTPSettings(environment)
    http.connectSeconds = try HubEnvironment.seconds("HF_HUB_ETAG_TIMEOUT", environment)
    http.stallSeconds = try HubEnvironment.seconds("HF_HUB_DOWNLOAD_TIMEOUT", environment)
    self.http = http
  }

  private static func token(
    _ environment: [String: String], path: String, isImplicit: Bool
  ) throws(HubError) -> HubToken? {
    guard isImplicit else { return nil }
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
      guard let text = environment[name], !text.isEmpty else { continue }
      if let token = try HubToken(text, from: name) { return token }
      // As there: a variable of nothing but spaces still keeps the next one from being read.
      break
    }
    do {
      let bytes = try MappedFile.contents(path)
      return try HubToken(String(decoding: bytes.prefix(1 << 16), as: UTF8.self), from: path)
    } catch let error as SystemError {
      if error.isNotFound || error.errno == ENOTDIR { return nil }
      throw .unreadableToken(error)
    } catch let error as HubError {
      throw error
    } catch { return nil }
  }

  /// A whole number of seconds; huggingface_hub's ten where the variable is empty or 0.
  private static func seconds(
    _ name: String, _ environment: [String: String]
  ) throws(HubError) -> Double {
    guard let text = environment[name] else { return 10 }
    guard let value = Int(text.trimmingCharacters(in: .whitespaces)), value >= 0, value < 1_000_000
    else { throw .notSeconds(name, text) }
    return value == 0 ? 10 : Double(value)
  }

  /// A path with the home folder for `~`, and `$NAME` and `${NAME}` replaced where they are set.
  private static func expanded(_ path: String, _ environment: [String: String]) -> String {
    var path = path
    if let home = environment["HOME"], !home.isEmpty, path == "~" || path.hasPrefix("~/") {
      path = home + path.dropFirst()
    }
    var rest = HomeFolder.expanded(path)[...]
    var result = ""
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      let behind = rest[rest.index(after: dollar)...]
      let isBraced = behind.hasPrefix("{")
      let name = (isBraced ? behind.dropFirst() : behind).prefix {
        isBraced ? $0 != "}" : $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")
      }
      let end = isBraced ? behind[name.endIndex...].dropFirst().startIndex : name.endIndex
      if let value = environment[String(name)] {
        result += value
      } else {
        result += rest[dollar..<end]
      }
      rest = rest[end...]
    }
    return result + rest
  }
}
