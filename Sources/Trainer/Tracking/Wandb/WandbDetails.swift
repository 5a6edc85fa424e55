// What W&B is told of a run besides its figures: its options, its names and its files, in W&B's forms.

import Foundation
import Shared

enum WandbDetails {
  /// The variables with which a run is made.
  static func variables(_ facts: WandbFacts) -> [String: JSON] {
    let settings = facts.settings
    var config = facts.config.mapValues { value -> JSON in ["value": value] }
    config["_wandb"] = ["value": ["m": [], "t": [:], "saeline": .string(Product.version)]]
    var variables: [String: JSON] = [
      "displayName": .string(settings.name), "config": .string(JSON.object(config).canonical),
      "host": .string(System.hostName), "program": .string(Product.name + "-train"),
    ]
    if let group = settings.group { variables["groupName"] = .string(group) }
    if let notes = settings.notes { variables["notes"] = .string(notes) }
    if !settings.tags.isEmpty { variables["tags"] = .array(settings.tags.map { .string($0) }) }
    return variables
  }

  /// The files that W&B shows of a run, by name.
  static func files(
    _ facts: WandbFacts, _ folder: WandbRunFolder, summary: String
  ) -> [String: [UInt8]] {
    let output = (try? MappedFile.contents(folder.output)) ?? []
    let lines = output.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // Each line begins with its time and a space.
    let plain = lines.map { $0.dropFirst(WandbDetails.stampByteCount) }
    return [
      "config.yaml": Array(yaml(facts.config.mapValues { ["value": $0] }).utf8),
      "wandb-summary.json": Array(summary.utf8),
      "wandb-metadata.json": Array(
        WandbMachine.description(started: folder.started).pretty.utf8),
      "output.log": Array(plain.joined(separator: [UInt8(ascii: "\n")])),
    ]
  }

  /// Bytes of `2026-01-31T12:59:59.123456 `.
  static let stampByteCount = 27

  /// An object as YAML that any reader takes as the same values.
  static func yaml(_ members: [String: JSON], indent: Int = 0) -> String {
    let space = String(repeating: " ", count: indent)
    return members.sorted { $0.key < $1.key }.map { key, value in
      let name = space + JSON.string(key).canonical + ":"
      if let inner = value.object, !inner.isEmpty {
        return name + "\n" + yaml(inner, indent: indent + 4)
      }
      return name + " " + scalar(value) + "\n"
    }.joined()
  }

  private static func scalar(_ value: JSON) -> String {
    switch value {
    case .array(let values): "[" + values.map(scalar).joined(separator: ", ") + "]"
    // YAML 1.1 takes an exponent only after a point.
    case .number(let number) where "\(number)".contains("e") && !"\(number)".contains("."):
      "\(number)".replacingOccurrences(of: "e", with: ".0e")
    default: value.canonical
    }
  }
}
