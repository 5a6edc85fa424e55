// A run, or another SAE, as it is compared with others. Comes in: its folder, finished or not. Leaves: its
// figures, options and curves, as far as its files have them.

import Shared

/// One of several SAEs.
package struct ComparedRun: Sendable {
  package let name: String
  package let folder: String
  /// Nil where the SAE has not been measured.
  package let figures: Figures?
  /// What stands in the place of figures; nil where they are known.
  package let absence: String?
  /// Options and facts as text, by name.
  package let options: [String: String]
  package let curves: [Report.Curve]
  /// Its page; nil where there is none.
  package let report: String?

  package init(
    name: String, folder: String, figures: Figures?, absence: String? = nil,
    options: [String: String] = [:], curves: [Report.Curve] = [], report: String? = nil
  ) {
    self.report = report
    self.name = name
    self.folder = folder
    self.figures = figures?.meaningful
    self.absence = figures != nil ? nil : absence ?? "not measured"
    self.options = options
    self.curves = curves
  }

  /// Reads what a folder has, whatever of it there is.
  package static func read(_ folder: String, name: String) -> ComparedRun {
    let status = RunStatus.read(folder)
    let isRun = RunStatus.isRun(folder)
    return ComparedRun(
      name: name, folder: folder, figures: (try? Evaluation.read(run: folder))?.figures,
      absence: isRun && status.state != .finished ? status.state.rawValue : nil,
      options: options(folder), curves: curves(folder),
      report: System.exists(folder + "/" + Report.fileName)
        ? folder + "/" + Report.fileName : nil)
  }

  /// The figures that any step logged, thinned to what a page with several runs can show.
  package static func curves(_ folder: String) -> [Report.Curve] {
    let log = (try? RunLog.read(folder + "/metrics.jsonl")) ?? []
    return Report.curves(log).map { curve in
      Report.Curve(
        figure: curve.figure,
        points: ChartSeries(curve.figure.name, curve.points).thinned(to: pointLimit))
    }
  }

  private static let pointLimit = 500

  /// What cfg.json says of the SAE, and what the manifest says the run was made with.
  private static func options(_ folder: String) -> [String: String] {
    var options: [String: String] = [:]
    let path = folder + "/cfg.json"
    // A configuration has a few kilobytes; what is larger is none.
    if let status = try? System.status(path), status.byteCount < 1 << 20,
      let json = try? JSON(parsing: MappedFile.contents(path))
    {
      add(json, prefix: "", to: &options)
    }
    let stage = StageFolder(path: folder, stage: .runs, fingerprint: nil)
    if let manifest = try? stage.readManifest() {
      add(manifest.settings, prefix: "", to: &options)
      if let input = manifest.input {
        options["activations"] = String(input.prefix(StageKey.shownDigits))
      }
    }
    return options
  }

  /// Members of no use to a comparison: what wrote a file, and figures.
  private static let left: Set = [
    "device", "producer", "sae_lens_version", "sae_lens_training_version", "num_dead_features",
    "l0",
  ]

  private static func add(
    _ json: JSON, prefix: String, to options: inout [String: String]
  ) {
    for (key, value) in json.object ?? [:] where !left.contains(key) {
      if key == "metadata" {
        add(value, prefix: "", to: &options)
      } else if value.object != nil {
        add(value, prefix: prefix + key + ".", to: &options)
      } else if value != .null {
        options[prefix + key] = value.string ?? value.canonical
      }
    }
  }
}

extension ComparedRun {
  /// The options that are not the same in all runs, in order of name, with the value of each run.
  package static func differences(
    _ runs: [ComparedRun]
  ) -> [(option: String, values: [String?])] {
    Set(runs.flatMap(\.options.keys)).sorted().compactMap { option in
      let values = runs.map { $0.options[option] }
      return Set(values).count > 1 ? (option, values) : nil
    }
  }

  /// Short names for folders: of a run in a store without its fingerprint, where that is enough.
  package static func names(_ folders: [String]) -> [String] {
    let whole = folders.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
    let labels = whole.map(Report.runName)
    return folders.indices.map { index in
      if labels.count(where: { $0 == labels[index] }) == 1 { return labels[index] }
      let short = String(
        whole[index].dropLast(max(0, whole[index].count - labels[index].count - 7)))
      if whole.count(where: { $0.hasPrefix(short) }) == 1 { return short }
      return whole.count(where: { $0 == whole[index] }) == 1 ? whole[index] : folders[index]
    }
  }
}
