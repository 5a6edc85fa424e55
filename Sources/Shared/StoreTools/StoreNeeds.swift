// Which tokens and activations are needed: by runs, finished or not, by pipeline files, by whoever used them of
// late. Where it cannot be told what a run reads, everything that it may read is needed.

struct StoreNeeds: Sendable {
  private var fingerprints: Set<String> = []
  private let rules: GarbageRules
  private let now: Double
  /// Kinds of which everything is needed, and why.
  private var obstacles: [StoreEntry.Kind: String] = [:]

  init(_ entries: [StoreEntry], rules: GarbageRules, now: Double) {
    self.rules = rules
    self.now = now
    for entry in entries { take(entry) }
    // What is kept for another reason needs its inputs as well.
    for entry in entries where entry.kind == .activations && has(entry) {
      fingerprints.formUnion(entry.manifest?.inputs ?? [])
    }
  }

  private mutating func take(_ entry: StoreEntry) {
    switch entry.kind {
    case .tokens, .sweeps: return
    case .runs:
      if let manifest = entry.manifest {
        fingerprints.formUnion(manifest.inputs)
      } else if let inputs = RunReading.inputs(of: entry.path) {
        fingerprints.formUnion(inputs)
      } else {
        let why = "runs/\(entry.name) does not say what it reads, so all activations are kept"
        obstacles[.activations] = obstacles[.activations] ?? why
      }
    case .activations:
      guard entry.manifest == nil else { return }
      let why =
        "activations/\(entry.name) does not say what it is made from, so all tokens are kept"
      obstacles[.tokens] = obstacles[.tokens] ?? why
    }
  }

  var remarks: [String] { [.activations, .tokens].compactMap { obstacles[$0] } }

  /// Whether a finished folder of tokens or activations is needed.
  func has(_ entry: StoreEntry) -> Bool {
    guard let manifest = entry.manifest, obstacles[entry.kind] == nil else { return true }
    return fingerprints.contains(manifest.fingerprint)
      || rules.keptSettings.contains(manifest.settings.canonical)
      || now - entry.lastUseTime <= rules.patience
  }
}
