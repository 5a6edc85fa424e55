// Settings and results as targets: pipeline files, configurations of SAEs, logs, evaluations, reports, categories,
// and what is kept for W&B.

import Foundation

/// What is done with the bytes, by name.
let targets: [String: @Sendable ([UInt8]) throws -> Void] = [
  "pipeline": { bytes in
    let file = try PipelineFile(parsing: bytes, path: "p", running: "train")
    // What a pipeline amounts to reads back as the same.
    let stated = file.pipeline.stated.pretty
    let again = try PipelineFile(parsing: Array(stated.utf8), path: "p")
    precondition(again.pipeline.stated.pretty == stated)
  },
  "draft": { bytes in
    let draft = try PipelineDraft(parsing: bytes, path: "d/cfg.json")
    _ = try PipelineFile(parsing: Array(draft.text.utf8), path: "p")
  },
  "set": { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    _ = try PipelineFile(parsing: Array("{}".utf8), path: "p", overrides: [text])
  },
  "sae": { bytes in
    let json = try JSON(parsing: bytes)
    for read in [
      { try SAELensFolder.read(json, scaler: json["scaler"], path: "s") },
      { try SparsifyFolder.read(json, path: "s") }, { try DictionaryFolder.read(json, path: "s") },
    ] {
      do { _ = try read() } catch { precondition(isShowable(error)) }
    }
    _ = SAEPlace(json)
    if let configuration = TrainedSAE.configuration(json) {
      precondition(configuration.dIn > 0 && configuration.dSae > 0)
      _ = configuration.shape.kinds
    }
  },
  "metrics": { bytes in
    var count = 0
    for line in bytes.split(separator: 0x0A).prefix(8) {
      guard let entry = RunLog.Entry(line) else { continue }
      count += 1
      precondition(RunLog.Entry(entry.line.utf8) != nil)
    }
    precondition(count <= 8)
  },
  "evaluation": { bytes in
    guard let evaluation = Evaluation(try JSON(parsing: bytes)) else { return }
    precondition(Evaluation(evaluation.json) != nil)
    _ = evaluation.densities
  },
  "report": { bytes in
    guard let report = Report(try JSON(parsing: bytes)) else { return }
    precondition(Report(report.json) != nil)
    precondition(!report.html.isEmpty)
  },
  "categories": { bytes in
    let words = try CategoryWords(parsing: bytes, path: "c")
    precondition(!words.categories.isEmpty)
  },
  "netrc": { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    if let word = WandbKey.password(for: "api.wandb.ai", in: text) {
      _ = try WandbKey(word, from: "n")?.authorization
    }
  },
  "wandb": { bytes in
    // A log, and when its lines were written.
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return }
    files.write(["log": parts[0], "times": parts[1]])
    let times = try WandbTimes(files.path + "/times", lineCount: 2)
    var history = WandbHistory(log: files.path + "/log", times: times)
    while let row = try history.next(isLast: true) { _ = row.text }
    _ = (history.summaryText, times.runtime)
  },
  "time": { bytes in
    guard let value = try JSON(parsing: bytes).double, WandbTime.isPlausible(value) else { return }
    _ = (WandbTime.text(value), WandbTime.folderText(value))
  },
]

/// No error of these readers is but a problem of a text.
func isProblem(_ error: any Error) -> Bool { error is CommandLineError }
