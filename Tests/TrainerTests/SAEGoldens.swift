// What SAELens computed; Tests/Fixtures/sae/make_goldens.py makes the files.

import Foundation
import Shared
import Support
import Trainer

enum SAEGoldens {
  static let dIn = 16
  static let dSae = 64
  static let rows = 32
  static let names = [
    "standard", "standard-half", "standard-square", "standard-plain-input", "topk",
    "topk-few-dead", "topk-plain",
  ]

  struct Contents: Decodable {
    let cases: [String: Case]
    let schedules: [Table]
  }

  struct Case: Decodable {
    let settings: Settings
    let steps: [Step]
    let passesSinceFired: [Int]
    let activeCounts: [Int]
  }

  struct Step: Decodable {
    let mse: Double
    let l1: Double
    let auxiliary: Double
    let overall: Double
    let l0: Double
    let dead: Int
  }

  struct Table: Decodable {
    let settings: Settings
    let rates: [Double]
    let weights: [Double]
  }

  struct Settings: Decodable {
    let architecture: String?
    let k: Double?
    let auxLossCoefficient: Double?
    let rescaleActsByDecoderNorm: Bool?
    let l1Coefficient: Double?
    let lpNorm: Double?
    let l1WarmUpSteps: Int?
    let applyBDecToInput: Bool?
    let lr: Double
    let lrSchedulerName: String?
    let lrWarmUpSteps: Int?
    let lrDecaySteps: Int?
    let lrEnd: Double?
    let nRestartCycles: Int?
    let adamBeta1: Double?
    let adamBeta2: Double?
    let deadFeatureWindow: Int?
    let deadLatents: Int?
    let inputScale: Float?
  }

  private static let folder = ProjectFiles.root + "/Tests/Fixtures/sae/"

  static func read() throws -> Contents {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "goldens.json"))
    return try decoder.decode(Contents.self, from: data)
  }

  static func floats(_ name: String) throws -> [Float] {
    let file = try SafetensorsFile.open(folder + "goldens.safetensors")
    let shape = file.header.tensors[name]?.shape ?? []
    let entry = try file.require(name, [.float32], shape: shape)
    var values = [Float](repeating: 0, count: entry.count)
    var span = values.mutableSpan
    file.readFloats(entry, into: &span)
    return values
  }

  /// W_encᵀ, b_enc, W_dec, b_dec.
  static func tensors(_ prefix: String) throws -> [[Float]] {
    try [
      Matrix.transpose(floats(prefix + ".W_enc"), rows: dIn), floats(prefix + ".b_enc"),
      floats(prefix + ".W_dec"), floats(prefix + ".b_dec"),
    ]
  }
}

extension SAEGoldens.Case {
  func initialState() throws -> TrainingState {
    var state = TrainingState(dIn: SAEGoldens.dIn, dSae: SAEGoldens.dSae)
    state.parameters.fill(try SAEGoldens.tensors("initial"))
    for latent in 0..<(settings.deadLatents ?? 0) {
      state.parameters.encoderBias.buffer[latent] -= 5
    }
    return state
  }
}

extension SAEGoldens.Settings {
  var train: TrainSettings {
    var result = TrainSettings()
    result.dSae = SAEGoldens.dSae
    result.architecture = architecture.flatMap(Architecture.init) ?? result.architecture
    result.k = k ?? result.k
    result.auxLossCoefficient = auxLossCoefficient ?? result.auxLossCoefficient
    result.rescaleActsByDecoderNorm =
      rescaleActsByDecoderNorm ?? result.rescaleActsByDecoderNorm
    result.l1Coefficient = l1Coefficient ?? result.l1Coefficient
    result.lpNorm = lpNorm ?? result.lpNorm
    result.l1WarmUpSteps = l1WarmUpSteps ?? result.l1WarmUpSteps
    result.applyBDecToInput = applyBDecToInput ?? result.applyBDecToInput
    result.lr = lr
    result.lrSchedulerName =
      lrSchedulerName.flatMap(LearningRateSchedule.init) ?? result.lrSchedulerName
    result.lrWarmUpSteps = lrWarmUpSteps ?? result.lrWarmUpSteps
    result.lrDecaySteps = lrDecaySteps ?? result.lrDecaySteps
    result.lrEnd = lrEnd ?? result.lrEnd
    result.nRestartCycles = nRestartCycles ?? result.nRestartCycles
    result.adamBeta1 = adamBeta1 ?? result.adamBeta1
    result.adamBeta2 = adamBeta2 ?? result.adamBeta2
    result.deadFeatureWindow = deadFeatureWindow ?? result.deadFeatureWindow
    return result
  }
}
