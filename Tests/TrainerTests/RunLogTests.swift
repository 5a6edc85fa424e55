import Foundation
import Shared
import Testing

import Trainer

@Suite("The run log")
struct RunLogTests {
  /// Lends the path of a log in a folder of its own.
  private func withLog(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "/runlog-" + UUID().uuidString
    try System.createDirectories(folder)
    defer { try? System.removeTree(folder) }
    try body(folder + "/metrics.jsonl")
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try MappedFile.contents(path), as: UTF8.self)
  }

  private func append(_ steps: [Int], to path: String) throws {
    var log = try RunLog.open(path)
    for step in steps {
      try log.append(.init(step: step, values: [.mse: 1 / Double(step), .l0: 12]))
    }
  }

  @Test("Every figure has SAELens's name and is read back")
  func names() throws {
    try withLog { path in
      var log = try RunLog.open(path)
      let logged: [Figure] = [
        .mse, .l1, .auxiliary, .overall, .explainedVariance, .l0, .deadLatents, .meanLogSparsity,
        .below1e5, .below1e6, .meanPassesSinceFired, .learningRate, .l1Coefficient,
        .trainingSamples, .tokensPerSecond,
      ]
      var values = Figures()
      for figure in logged { values[figure] = 0.5 }
      let entry = RunLog.Entry(step: 10, values: values)
      try log.append(entry)
      #expect(
        try text(path) == """
          {"details/current_learning_rate":0.5,"details/l1_coefficient":0.5,\
          "details/n_training_samples":0.5,"details/tokens_per_second":0.5,\
          "losses/auxiliary_reconstruction_loss":0.5,"losses/l1_loss":0.5,"losses/mse_loss":0.5,\
          "losses/overall_loss":0.5,"metrics/explained_variance":0.5,"metrics/l0":0.5,\
          "metrics/mean_log10_feature_sparsity":0.5,"sparsity/below_1e-5":0.5,\
          "sparsity/below_1e-6":0.5,"sparsity/dead_features":0.5,"sparsity/mean_passes_since_fired":0.5,"step":10}

          """)
      #expect(try RunLog.read(path) == [entry])
    }
  }

  @Test("A line is in the file as soon as it is appended, and a reopened log goes on")
  func appending() throws {
    try withLog { path in
      var log = try RunLog.open(path)
      try log.append(.init(step: 1, values: [.mse: 2]))
      #expect(try text(path) == "{\"losses/mse_loss\":2,\"step\":1}\n")
      try append([2], to: path)
      #expect(try RunLog.read(path).map(\.step) == [1, 2])
    }
  }

  @Test("A resumed run drops the lines after its checkpoint and writes the same again")
  func truncating() throws {
    try withLog { path in
      try append([1, 2, 3, 4], to: path)
      let whole = try text(path)
      try RunLog.truncate(path, afterStep: 2)
      #expect(try RunLog.read(path).map(\.step) == [1, 2])
      try append([3, 4], to: path)
      #expect(try text(path) == whole)
      try RunLog.truncate(path + ".absent", afterStep: 2)
      #expect(!System.exists(path + ".absent"))
    }
  }

  @Test("A line that a crash cut off is passed over, and dropped by resuming")
  func tornLine() throws {
    try withLog { path in
      try append([1, 2], to: path)
      let whole = try text(path)
      try AtomicFile.replace(path, with: whole + "{\"losses/mse_lo")
      #expect(try RunLog.read(path).map(\.step) == [1, 2])
      try RunLog.truncate(path, afterStep: 2)
      #expect(try text(path) == whole)
    }
  }

  @Test("A value that is not finite is logged as null")
  func notFinite() throws {
    try withLog { path in
      var log = try RunLog.open(path)
      try log.append(.init(step: 1, values: [.mse: .nan, .l0: 3]))
      #expect(try text(path) == "{\"losses/mse_loss\":null,\"metrics/l0\":3,\"step\":1}\n")
      #expect(try RunLog.read(path) == [.init(step: 1, values: [.l0: 3])])
    }
  }

  @Test("Histograms are logged as W&B has them, an evaluation by SAELens's groups")
  func histogramsAndEvaluation() throws {
    try withLog { path in
      var log = try RunLog.open(path)
      let norms = Distribution(edges: [0, 0.5, 1], counts: [3, 1])
      let entry = RunLog.Entry(
        step: 99, values: [.l0: 2], histograms: [.decoderNorms: norms, .named("weights/x"): norms],
        evaluation: [.lossScore: 0.5, .finalL0: 12, .lossWithSAE: 3, .evaluatedRows: 128])
      let line = try log.append(entry)
      #expect(
        line == """
          {"metrics/l0":2,"model_performance_preservation":{"ce_loss_score":0.5,"ce_loss_with_sae":3},\
          "sparsity":{"l0":12},"step":99,"token_stats":{"total_tokens_eval_sparsity_variance":128},\
          "weights/W_dec_norms":{"_type":"histogram","bins":[0,0.5,1],"values":[3,1]},\
          "weights/x":{"_type":"histogram","bins":[0,0.5,1],"values":[3,1]}}
          """)
      #expect(try RunLog.read(path) == [entry])
      try RunLog.truncate(path, afterStep: 99)
      #expect(try text(path) == line + "\n")
    }
  }

  @Test("A figure of an evaluation that is not finite is logged as null")
  func evaluationNotFinite() throws {
    try withLog { path in
      var log = try RunLog.open(path)
      try log.append(.init(step: 1, evaluation: [.finalL0: .nan, .finalL1: 2]))
      #expect(try text(path) == "{\"sparsity\":{\"l0\":null,\"l1\":2},\"step\":1}\n")
      #expect(try RunLog.read(path) == [.init(step: 1, evaluation: [.finalL1: 2])])
    }
  }

  @Test("A foreign line is named by its number")
  func foreignLine() throws {
    try withLog { path in
      try AtomicFile.replace(path, with: "{\"step\":1}\nhello\n")
      #expect(throws: RunLogError.notALogLine(path: path, line: 2)) { try RunLog.read(path) }
      let error = RunLogError.notALogLine(path: "m.jsonl", line: 2)
      #expect(error.sentence == "m.jsonl, line 2: not a line of a run log.")
      #expect(
        error.hint
          == "Remove the file to go on without the figures of the steps before; "
          + "the SAE is not affected.")
    }
  }

  @Test("A run without a log has no lines")
  func absent() throws { #expect(try RunLog.read("/nonexistent/metrics.jsonl").isEmpty) }
}
