import Shared
import Support
import Testing
import Trainer

/// SAEs of other programs, against what these programs compute with them.
@Suite("Folders of SAEs to start from")
struct StartingFoldersTests {
  private static let root = ProjectFiles.root + "/Tests/Fixtures/starting"

  /// A folder, and what a run takes over from it.
  struct Case: Sendable, CustomTestStringConvertible {
    let folder: String
    let taken: [String]
    /// What the run states because its own kind has no thresholds of inference.
    var stated: Architecture?
    var testDescription: String { folder }
  }

  static let cases = [
    Case(folder: "sae_lens-3", taken: ["d_sae 16"]),
    Case(folder: "sae_lens-4-jumprelu", taken: ["architecture jumprelu", "d_sae 16"]),
    Case(
      folder: "sae_lens-5-topk",
      taken: ["architecture topk", "d_sae 16", "k 3", "rescale_acts_by_decoder_norm false"]),
    Case(folder: "sae_lens-5-plain", taken: ["d_sae 16", "apply_b_dec_to_input false"]),
    Case(folder: "sae_lens-5-gated", taken: ["architecture gated", "d_sae 16"]),
    Case(folder: "sae_lens-5-jumprelu", taken: ["architecture jumprelu", "d_sae 16"]),
    Case(folder: "sae_lens-5-half", taken: ["d_sae 16"]),
    Case(folder: "sae_lens-5-scaled", taken: ["d_sae 16"]),
    Case(folder: "sae_lens-6-topk", taken: ["architecture topk", "d_sae 16", "k 4"]),
    Case(folder: "sae_lens-6-gated", taken: ["architecture gated", "d_sae 16"]),
    Case(
      folder: "sae_lens-6-jumprelu",
      taken: [
        "architecture jumprelu", "d_sae 16", "apply_b_dec_to_input false",
        "normalize_activations layer_norm",
      ]),
    Case(
      folder: "sae_lens-6-training",
      taken: ["d_sae 16", "l1_coefficient 3.5", "lp_norm 0.5", "l1_warm_up_steps 7"]),
    Case(folder: "sae_lens-6-batchtopk", taken: ["d_sae 16"], stated: .jumprelu),
    Case(
      folder: "sparsify-topk",
      taken: ["architecture topk", "d_sae 16", "k 4", "rescale_acts_by_decoder_norm false"]),
    Case(folder: "sparsify-groupmax", taken: ["architecture groupmax", "d_sae 16", "k 4"]),
    Case(folder: "dictionary-AutoEncoder", taken: ["d_sae 16"]),
    Case(folder: "dictionary-AutoEncoderNew", taken: ["d_sae 16", "apply_b_dec_to_input false"]),
    Case(folder: "dictionary-GatedAutoEncoder", taken: ["architecture gated", "d_sae 16"]),
    Case(
      folder: "dictionary-AutoEncoderTopK",
      taken: ["architecture topk", "d_sae 16", "k 3", "rescale_acts_by_decoder_norm false"]),
    Case(folder: "dictionary-BatchTopKSAE", taken: ["d_sae 16"], stated: .jumprelu),
    Case(folder: "dictionary-MatryoshkaBatchTopKSAE", taken: ["d_sae 16"], stated: .jumprelu),
    Case(
      folder: "dictionary-JumpReluAutoEncoder",
      taken: ["architecture jumprelu", "d_sae 16", "apply_b_dec_to_input false"]),
    Case(
      folder: "gemma-scope", taken: ["architecture jumprelu", "apply_b_dec_to_input false"]),
    Case(
      folder: "gemma-scope-columns",
      taken: ["architecture jumprelu", "apply_b_dec_to_input false"]),
  ]

  @Test(
    "What an SAE says of itself is taken over, and it computes what its own program says",
    arguments: cases)
  func computes(_ test: Case) throws {
    let goldens = try SafetensorsFile.open(Self.root + "/goldens.safetensors")
    func golden(_ name: String, _ count: Int) throws -> [Float] {
      var values = AlignedBuffer<Float>(count: count)
      var target = values.mutableSpan
      goldens.readFloats(
        try #require(goldens.header.tensors[name], "\(name)"), into: &target)
      return (0..<count).map { values[$0] }
    }
    let pretrained = try PretrainedSAE.open(Self.root + "/" + test.folder)
    var settings = TrainSettings()
    settings.fromPretrainedPath = test.folder
    if let stated = test.stated { settings.architecture = stated }
    // Nothing tells the size of Gemma Scope's but its tensors.
    if test.folder.hasPrefix("gemma") { settings.dSae = 16 }
    let settled = try pretrained.settled(settings)
    #expect(settled.takenOver == test.taken)
    let configuration = SAEConfiguration(settled, dIn: 8)
    try pretrained.check(for: configuration)
    var state = configuration.freshState()
    try pretrained.fill(&state, .identity, configuration)
    var parameters = Parameters(ParameterShape(dIn: 1, dOut: 1, dSae: 1))
    swap(&parameters, &state.parameters)
    var sae = TrainedSAE(configuration, parameters)
    let rows = 24
    let x = try golden("x", rows * 8)
    let wanted = try golden(test.folder + ".reconstruction", rows * 8)
    let wantedL0 = try golden(test.folder + ".l0", rows)
    try sae.encode(x.span, rows: rows) { offsets, _, values, reconstruction in
      for row in 0..<rows {
        let active = (Int(offsets[row])..<Int(offsets[row + 1])).count { values[$0] != 0 }
        #expect(Float(active) == wantedL0[row], "row \(row)")
      }
      for index in wanted.indices {
        #expect(
          abs(reconstruction[index] - wanted[index]) < 2e-5 * max(1, abs(wanted[index])),
          "number \(index)")
      }
    }
  }

  @Test("What is fetched of an SAE is enough to start from it", arguments: cases)
  func fetched(_ test: Case) throws {
    let source = Self.root + "/" + test.folder
    let names = try System.list(source).map { test.folder + "/" + $0 }
    let location = try #require(SAELocation.parse("owner/name/" + test.folder))
    let target = try TemporaryFolder()
    for name in location.files(names) {
      let file = String(name.dropFirst(test.folder.count + 1))
      _ = try target.write(MappedFile.contents(source + "/" + file), to: file)
    }
    let whole = try PretrainedSAE.open(source)
    let settings = TrainSettings()
    #expect(
      try PretrainedSAE.open(target.path).settled(settings) == whole.settled(settings))
  }

  @Test(
    "batchtopk starts with the threshold that its SAE had",
    arguments: [
      ("dictionary-BatchTopKSAE", Float(0.3)), ("sae_lens-6-batchtopk", 0.25),
      ("dictionary-MatryoshkaBatchTopKSAE", 0.3),
    ])
  func threshold(folder: String, threshold: Float) throws {
    let pretrained = try PretrainedSAE.open(Self.root + "/" + folder)
    let settled = try pretrained.settled(TrainSettings())
    #expect(settled.architecture.rawValue.hasSuffix("batchtopk"))
    #expect(settled.k == (folder.hasPrefix("sae") ? 2.5 : 3))
    if folder.contains("Matryoshka") { #expect(settled.matryoshkaWidths.values == [4, 16]) }
    let configuration = SAEConfiguration(settled, dIn: 8)
    var state = configuration.freshState()
    try pretrained.fill(&state, .identity, configuration)
    #expect(state.carried["topk_threshold"]?.map { Float($0) } == [threshold])
  }

  static let refused: [(file: String, sentence: String)] = [
    (
      "command.pt",
      "the pickle names \(commandModule).system at byte 17, which is neither a tensor nor a part of one."
    ),
    (
      "object.pt",
      "the pickle names pickle.PickleBuffer at byte 17, which is neither a tensor nor a part of one."
    ),
    (
      "instruction.pt",
      "the pickle has the instruction INT at byte 11, which no file of tensors needs."
    ),
    ("number.pt", "k is no tensor."),
    ("cut.pt", "the pickle is malformed at byte 18."),
    ("legacy.pt", "holds no encoder.weight."), ("gaps.pt", "holds no encoder.weight."),
    ("compressed.npz", "the entry a.npy is compressed."),
    ("objects.npz", "the array a has the type |O; <f2, <f4 and <f8 are read."),
    ("big-endian.npz", "the array a has the type >f4; <f2, <f4 and <f8 are read."),
    ("cut.npz", "is no zip archive."),
    ("short.npz", "the array a of shape [5] has 16 bytes, which do not fit it."),
  ]

  /// Where Python has `os.system`.
  private static let commandModule = "posix"

  @Test(
    "A file that is no plain archive of tensors is refused by what is wrong with it",
    arguments: refused)
  func refuses(file: String, sentence: String) throws {
    let temporary = try TemporaryFolder()
    let isTorch = file.hasSuffix(".pt")
    let name = isTorch ? "ae.pt" : "params.npz"
    let bytes = try MappedFile.contents(Self.root + "/refused/" + file)
    var copy = try AtomicFile.create(temporary.file(name))
    try copy.write(bytes.span.raw)
    try copy.publishReplacing()
    if isTorch {
      try AtomicFile.replace(
        temporary.file("config.json"), with: #"{"trainer": {"dict_class": "AutoEncoder"}}"#)
    }
    let pretrained = try PretrainedSAE.open(temporary.path)
    var settings = TrainSettings()
    settings.dSae = 16
    let configuration = SAEConfiguration(try pretrained.settled(settings), dIn: 8)
    var state = configuration.freshState()
    do {
      try pretrained.fill(&state, .identity, configuration)
      Issue.record("\(file) was read")
    } catch let failure as any Failure {
      let path = temporary.file(name)
      let words = failure.sentence
      #expect(words == path + ": " + sentence || words == path + " " + sentence)
      #expect(failure.hint != nil && failure.exitCode == .wrongInput)
    }
  }

  @Test(
    "Bytes that were changed anywhere never crash a reader",
    arguments: [
      "dictionary-AutoEncoder/ae.pt", "gemma-scope/params.npz",
    ])
  func fuzz(file: String) throws {
    let temporary = try TemporaryFolder()
    let whole = try MappedFile.contents(Self.root + "/" + file)
    let name = file.split(separator: "/").last.map(String.init) ?? file
    try AtomicFile.replace(
      temporary.file("config.json"), with: #"{"trainer": {"dict_class": "AutoEncoder"}}"#)
    let random = Random(seed: 5, stream: file)
    for turn in 0..<300 {
      var bytes = whole
      for change in 0..<4 {
        let place = Int(random.uniform(8 * turn + change) * Double(bytes.count))
        bytes[place] = UInt8(random.uniform(8 * turn + 4 + change) * 256)
      }
      if turn % 5 == 0 { bytes.removeLast(Int(random.uniform(turn) * Double(bytes.count))) }
      var copy = try AtomicFile.create(temporary.file(name))
      try copy.write(bytes.span.raw)
      try copy.publishReplacing()
      let pretrained = try PretrainedSAE.open(temporary.path)
      var settings = TrainSettings()
      settings.dSae = 16
      let configuration = SAEConfiguration(try pretrained.settled(settings), dIn: 8)
      var state = configuration.freshState()
      do { try pretrained.fill(&state, .identity, configuration) } catch {
        #expect(error is any Failure, "turn \(turn)")
      }
    }
  }
}
