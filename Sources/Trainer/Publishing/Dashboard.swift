// The dashboards of latents as SAEDashboard writes them and Neuronpedia takes them: a batch of
// `NeuronpediaDashboardFeature`. Comes in: a run's report and the details beside it. Leaves: JSON with the members
// of sae-dashboard 0.8; correlations with neurons and histograms of logits, which nobody measured, are empty.

package import Shared

/// Why there is no dashboard.
package enum DashboardError: Failure, Equatable {
  case notLatents(String)
  case noSuchLatent(Int, count: Int)
  case noDetails(folder: String)

  package var sentence: String {
    switch self {
    case .notLatents(let text): "--latents \(text) is no list of latents."
    case .noSuchLatent(let latent, let count):
      "There is no latent \(latent): the SAE has \(count), counted from 0."
    case .noDetails(let folder): "\(folder) holds no details of latents."
    }
  }

  package var hint: String? {
    switch self {
    case .notLatents: "Write --latents 5, --latents 1,5-9 or --latents all."
    case .noSuchLatent: nil
    case .noDetails:
      "Run saeline-train report with the run's pipeline file and evaluate.report_latents above 0."
    }
  }
}

/// The dashboards of a run.
package struct Dashboard {
  private let folder: String
  private let report: Report
  private let latents: JSON
  private let texts: [String: JSON]
  private let sequences: JSON?
  private let count: Int

  /// Opens the report of a run.
  package init(run folder: String) throws {
    let report = try Report.data(run: folder)
    guard let latents = report.latents, let count = latents["count"]?.integer,
      latents["chunk"]?.integer != nil
    else { throw DashboardError.noDetails(folder: folder) }
    let text = try LatentFolder.readText(run: folder)
    texts = text["texts"]?.object ?? [:]
    sequences = text["sequences"]
    self.folder = folder
    self.report = report
    self.latents = latents
    self.count = count
  }

  /// Latents that the report itself shows.
  package var shown: [Int] {
    (latents["details"]?.array ?? []).compactMap { $0["latent"]?.integer }
  }

  /// Reads `5`, `1,5-9` or `all`.
  package func chosen(_ text: String) throws -> [Int] {
    if text == "all" { return Array(0..<count) }
    return try text.split(separator: ",", omittingEmptySubsequences: false).flatMap { part in
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends.last ?? first,
        first <= last
      else { throw DashboardError.notLatents(text) }
      guard last < count else { throw DashboardError.noSuchLatent(last, count: count) }
      return Array(first...last)
    }
  }

  /// The batch of some latents.
  package func batch(_ chosen: [Int], _ sae: borrowing TrainedSAE) throws -> JSON {
    let alignments = sae.withParameters { parameters in
      chosen.map { Dashboard.alignment($0, parameters) }
    }
    var features: [JSON] = []
    var file: (number: Int, details: JSON)?
    for (latent, alignment) in zip(chosen, alignments) {
      let number = latent / LatentFolder.chunk
      if file?.number != number {
        file = (number, try LatentFolder.read(run: folder, number: number))
      }
      let place = latent - number * LatentFolder.chunk
      guard let details = file?.details.array, details.indices.contains(place) else {
        throw DashboardError.noDetails(folder: folder)
      }
      features.append(feature(latent, details[place], alignment))
    }
    let hook = report.fact("hook_name") ?? ""
    let layer = hook.split(separator: ".").compactMap { Int($0) }.first ?? 0
    return [
      "model_id": .string(report.fact("model_name") ?? ""), "layer": .integer(layer),
      "sae_set": .string(report.name), "sae_id_suffix": .null, "features": .array(features),
    ]
  }
}

extension Dashboard {
  /// The neurons that a decoder row points to most.
  private struct Alignment {
    var indices: [JSON] = []
    var values: [JSON] = []
    var shares: [JSON] = []
  }

  private static let alignedNeurons = 3

  private static func alignment(
    _ latent: Int, _ parameters: borrowing Parameters
  ) -> Alignment {
    let row = parameters.decoder.row(latent)
    var (best, sum) = (HighestValues(count: alignedNeurons), Float(0))
    for column in row.indices {
      best.add(column, row[column])
      sum += abs(row[column])
    }
    var alignment = Alignment()
    for (column, value) in best.entries {
      alignment.indices.append(.integer(column))
      alignment.values.append(.number(Dashboard.rounded(Double(value))))
      alignment.shares.append(.number(Dashboard.rounded(Double(abs(value) / max(sum, 1e-12)))))
    }
    return alignment
  }

  /// Three decimals, as SAEDashboard writes.
  private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

  private func feature(_ latent: Int, _ detail: JSON, _ alignment: Alignment) -> JSON {
    let rows = latents["rows"]?.double ?? 0
    let fires = latents["fires"]?.array?[latent].double ?? 0
    let most = latents["max"]?.array?[latent].double ?? 0
    let counts = detail["histogram"]?.array ?? []
    let width = most / Double(max(1, counts.count))
    var members: [String: JSON] = [
      "feature_index": .integer(latent), "neuron_alignment_indices": .array(alignment.indices),
      "neuron_alignment_values": .array(alignment.values),
      "neuron_alignment_l1": .array(alignment.shares),
      "frac_nonzero": .number(rows > 0 ? fires / rows : 0),
      "freq_hist_data_bar_heights": .array(counts),
      "freq_hist_data_bar_values": .array(
        counts.indices.map { .number(Dashboard.rounded((Double($0) + 0.5) * width)) }),
      "n_prompts_total": .integer(sequences?.object?.count ?? 0),
      "n_tokens_in_prompt": report.sae["metadata"]?["context_size"] ?? .integer(0),
      "dataset": .string(report.fact("dataset_path") ?? ""),
      "activations": .array(activations(detail, most)),
    ]
    for key in [
      "correlated_neurons_indices", "correlated_neurons_l1", "correlated_neurons_pearson",
      "correlated_features_indices", "correlated_features_l1", "correlated_features_pearson",
      "logits_hist_data_bar_heights", "logits_hist_data_bar_values", "decoder_weights_dist",
      "vector",
    ] { members[key] = .array([]) }
    for (name, key) in [("pos", "promoted"), ("neg", "suppressed")] {
      let tokens = (detail[key]?.array ?? []).compactMap(\.array)
      members[name + "_str"] = .array(tokens.map { .string(text($0[0])) })
      members[name + "_values"] = .array(
        tokens.map { .number(Dashboard.rounded($0[1].double ?? 0)) })
    }
    return .object(members)
  }

  private func text(_ token: JSON) -> String {
    token.integer.flatMap { texts[String($0)]?.string } ?? ""
  }

  /// The highest activations, which SAEDashboard marks with −1, and those of each quarter.
  private func activations(_ detail: JSON, _ most: Double) -> [JSON] {
    let highest = (detail["highest"]?.array ?? []).map { activation($0, from: -1, to: most, -1) }
    let bounds = (detail["bounds"]?.array ?? []).map { $0.double ?? 0 }
    let quarters = (detail["quarters"]?.array ?? []).enumerated().flatMap { index, contexts in
      (contexts.array ?? []).map {
        activation($0, from: bounds[index + 1], to: bounds[index], 0.25)
      }
    }
    return highest + quarters
  }

  private func activation(
    _ context: JSON, from low: Double, to high: Double, _ contains: Double
  ) -> JSON {
    let parts = context.array ?? []
    let numbers = parts.prefix(5).map { $0.integer ?? 0 }
    guard parts.count >= 6, numbers.count == 5 else { return .null }
    let (position, first, size) = (numbers[1], numbers[3], numbers[4])
    let sequence = sequences?[String(numbers[0])]?.array ?? []
    var values = [JSON](repeating: 0, count: size)
    let active = parts[5].array ?? []
    for index in stride(from: 0, to: active.count - 1, by: 2) {
      guard let place = active[index].integer, values.indices.contains(place) else { continue }
      values[place] = .number(Dashboard.rounded(active[index + 1].double ?? 0))
    }
    return [
      "bin_min": .number(low), "bin_max": .number(high), "bin_contains": .number(contains),
      "tokens": .array(sequence.dropFirst(first).prefix(size).map { .string(text($0)) }),
      "values": .array(values), "qualifying_token_index": .integer(position - first),
    ]
  }
}
