// What SAELens and its peers computed: every goldens*.json of Tests/Fixtures/sae with the tensors beside
// it. The scripts there make the files; a case that they add is tested without a word here.

import Foundation
import Shared
import Support
import Testing
import Trainer

enum SAEGoldens {
  static let dIn = 16
  static let dOut = 12
  static let dSae = 64
  static let rows = 32

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let json: JSON

    var testDescription: String { name }

    var settings: TrainSettings {
      var settings = SAEGoldens.settings(json["settings"] ?? .null)
      settings.trainBatchSizeTokens = SAEGoldens.rows
      settings.trainingTokens = SAEGoldens.rows * steps.count
      return settings
    }
    var steps: [JSON] { json["steps"]?.array ?? [] }

    /// The learning rates, where the peer's schedule is none of ours.
    var rates: [Double]? { json["rates"]?.array?.compactMap(\.double) }

    func counts(_ name: String) -> [Int] { json[name]?.array?.compactMap(\.integer) ?? [] }
  }

  struct Table: Sendable {
    let settings: TrainSettings
    let rates: [Double]
    let weights: [Double]
  }

  private static let folder = "Tests/Fixtures/sae"

  /// The files, without their extensions.
  private static func stems() throws -> [String] {
    try ProjectFiles.names(in: folder).compactMap { name in
      guard name.hasPrefix("goldens"), name.hasSuffix(".json") else { return nil }
      return ProjectFiles.root + "/" + folder + "/" + name.dropLast(".json".count)
    }
  }

  private static func contents() throws -> [JSON] {
    try stems().map { try JSON(parsing: MappedFile.contents($0 + ".json")) }
  }

  /// Every case.
  static func cases() throws -> [Case] {
    try contents().flatMap { file in
      let cases = try #require(file["cases"]?.object)
      return cases.sorted { $0.key < $1.key }.map { Case(name: $0.key, json: $0.value) }
    }
  }

  static func schedules() throws -> [Table] {
    try contents().flatMap { $0["schedules"]?.array ?? [] }.map { table in
      Table(
        settings: settings(table["settings"] ?? .null),
        rates: table["rates"]?.array?.compactMap(\.double) ?? [],
        weights: table["weights"]?.array?.compactMap(\.double) ?? [])
    }
  }

  /// Settings by their names in a pipeline file; what else a case says is its own affair.
  private static func settings(_ json: JSON) -> TrainSettings {
    var result = TrainSettings()
    result.dSae = dSae
    for setting in TrainSettings.settings {
      guard let value = json[setting.row.name] else { continue }
      result = setting.changing(result, to: value) ?? result
    }
    return result
  }

  /// The tensors of all files by name; they are read by hundreds of tests.
  private static let tensors = Result { try readTensors() }

  private static func readTensors() throws -> [String: [Float]] {
    var result: [String: [Float]] = [:]
    for stem in try stems() {
      let file = try SafetensorsFile.open(stem + ".safetensors")
      for (name, tensor) in file.header.tensors {
        let entry = try file.require(name, [.float32], shape: tensor.shape)
        var values = [Float](repeating: 0, count: entry.count)
        var span = values.mutableSpan
        file.readFloats(entry, into: &span)
        result[name] = values
      }
    }
    return result
  }

  /// A tensor of any of the files; nil where none has it.
  static func floats(_ name: String) throws -> [Float]? { try tensors.get()[name] }

  /// SAELens's name of a parameter.
  static func name(_ kind: ParameterKind, isGated: Bool) -> String {
    switch kind {
    case .encoder: "W_enc"
    case .encoderBias: isGated ? "b_gate" : "b_enc"
    case .decoder: "W_dec"
    case .decoderBias: "b_dec"
    case .threshold: "threshold"
    case .magnitudeBias: "b_mag"
    case .magnitudeScale: "r_mag"
    case .skip: "W_skip"
    case .latentScale: "finetuning_scaling_factor"
    }
  }

  /// A parameter, or its gradient, as it is stored here: the encoder by latent.
  static func tensor(
    _ prefix: String, _ kind: ParameterKind, isGated: Bool
  ) throws -> [Float]? {
    guard let values = try floats(prefix + "." + name(kind, isGated: isGated)) else { return nil }
    return kind == .encoder ? Matrix.transpose(values, rows: dIn) : values
  }
}

extension SAEGoldens.Case {
  var configuration: SAEConfiguration {
    SAEConfiguration(
      settings, dIn: SAEGoldens.dIn,
      dOut: settings.architecture.isTranscoder ? SAEGoldens.dOut : nil)
  }

  func initialState() throws -> TrainingState {
    var state = configuration.freshState()
    try fill(&state.parameters)
    return state
  }

  /// Where the first values of a parameter are stored.
  private func start(of kind: ParameterKind) -> String {
    if let own = json["initial"]?.string { return own }
    let isUnit = configuration.keepsUnitDecoder || configuration.name == .matchingPursuit
    if kind == .decoder, isUnit { return "initial.unit" }
    let isOfTarget = [.decoder, .decoderBias, .skip].contains(kind)
    return configuration.name.isTranscoder && isOfTarget ? "initial.transcoder" : "initial"
  }

  private func fill(_ parameters: inout Parameters) throws {
    let isGated = configuration.name == .gated
    for kind in configuration.shape.kinds where kind != .latentScale {
      guard let values = try SAEGoldens.tensor(start(of: kind), kind, isGated: isGated) else {
        continue
      }
      parameters.change(kind) { $0.fill(values) }
    }
    let stride = json["settings"]?["dead_stride"]?.integer ?? 1
    for latent in 0..<(json["settings"]?["dead_latents"]?.integer ?? 0) {
      parameters.encoderBias.buffer[latent * stride] -= 5
    }
  }
}

extension Parameters {
  /// The numbers of a parameter.
  func values(_ kind: ParameterKind) -> [Float] { with(kind) { $0.values } }
}
