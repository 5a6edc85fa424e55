import Shared
import Testing
import Trainer

@Suite("An SAE to start from")
struct PretrainedSAETests {
  /// A finished run with some normalization, and its cache.
  private func finished(
    _ normalization: ActivationNormalization = .none
  ) throws -> (cache: SyntheticCache, folder: String) {
    let cache = try SyntheticCache()
    cache.pipeline.train.normalizeActivations = normalization
    cache.pipeline.evaluate.evalTokens = 300
    let run = try Run(cache.pipeline, mode: .quiet)
    _ = try run.run()
    return (cache, run.folder.path)
  }

  /// What a run that starts from a folder says.
  private func refusal(
    _ cache: SyntheticCache, _ folder: String, _ normalization: ActivationNormalization = .none
  ) -> [String?] {
    cache.pipeline.train.fromPretrainedPath = folder
    cache.pipeline.train.normalizeActivations = normalization
    do {
      _ = try Run(cache.pipeline, mode: .quiet)
      return []
    } catch let failure as any Failure {
      return [failure.sentence, failure.hint]
    } catch { return ["\(error)"] }
  }

  static let disagreeing: [(has: ActivationNormalization, wanted: ActivationNormalization)] = [
    (.none, .covarianceWhitening), (.none, .layerNorm), (.layerNorm, .none),
    (.layerNorm, .constantNormRescale), (.constantNormRescale, .expectedAverageOnlyIn),
    (.layerNorm, .covarianceWhitening),
  ]

  @Test("Rows in another form than the SAE's are refused", arguments: disagreeing)
  func otherNormalization(
    has: ActivationNormalization, wanted: ActivationNormalization
  ) throws {
    let (cache, folder) = try finished(has)
    #expect(
      refusal(cache, folder, wanted) == [
        "train.from_pretrained_path: the SAE in \(folder) has normalize_activations "
          + "\(has.rawValue), but the run has \(wanted.rawValue).",
        "Set train.normalize_activations to \(has.rawValue).",
      ])
  }

  static let agreeing: [(has: ActivationNormalization, wanted: ActivationNormalization)] = [
    (.none, .expectedAverageOnlyIn), (.expectedAverageOnlyIn, .none), (.layerNorm, .layerNorm),
    // Its whitening is folded into the weights.
    (.covarianceWhitening, .none),
  ]

  @Test("A factor is taken by the weights, and equal forms agree", arguments: agreeing)
  func sameNormalization(
    has: ActivationNormalization, wanted: ActivationNormalization
  ) throws {
    let (cache, folder) = try finished(has)
    #expect(refusal(cache, folder, wanted) == [])
    // One step that changes nothing: the SAE is the one that it started from.
    cache.pipeline.train.lr = 1e-30
    cache.pipeline.train.trainingTokens = 32
    let run = try Run(cache.pipeline, mode: .quiet)
    _ = try run.run()
    let before = try Evaluation.read(run: folder).figures
    let after = try Evaluation.read(run: run.folder.path).figures
    let (error, wanted) = (before[.finalMSE] ?? .nan, after[.finalMSE] ?? .nan)
    #expect(abs(error - wanted) < 1e-4 * error)
    #expect(abs((before[.finalL0] ?? .nan) - (after[.finalL0] ?? .nan)) < 0.05)
  }

  @Test("What is missing, no JSON, of another size or whitened is named")
  func sentences() throws {
    let (cache, folder) = try finished()
    let empty = cache.folder + "/empty"
    try System.createDirectories(empty)
    #expect(
      refusal(cache, empty) == [
        "train.from_pretrained_path: there is no \(empty)/cfg.json.",
        "Give a folder with cfg.json and sae_weights.safetensors.",
      ])
    cache.pipeline.train.dSae = 16
    #expect(
      refusal(cache, folder) == [
        "train.from_pretrained_path: the SAE in \(folder) has d_sae 24, but the run has 16.",
        "Set train.d_sae to what the SAE has, and take the same hook point.",
      ])
    cache.pipeline.train.dSae = 24
    try AtomicFile.replace(
      folder + "/activation_scaler.json",
      with: "{\"scaling_factor\": null, \"has_whitening\": true}")
    #expect(
      refusal(cache, folder) == [
        "train.from_pretrained_path: the SAE in \(folder) was trained on whitened activations.",
        "Start from the folder of the finished SAE, whose weights are folded.",
      ])
    try AtomicFile.replace(folder + "/cfg.json", with: "{,}")
    #expect(
      refusal(cache, folder) == [
        "train.from_pretrained_path: \(folder)/cfg.json is not JSON.",
        "Give a folder as SAELens or this program writes one.",
      ])
  }
}
