// What the names of files say of their formats, by the table of Hugging Face's datasets.

/// How the files of a data set are read: one of the builders of `datasets`.
enum DataBuilder: String, CaseIterable {
  case json, text, csv, parquet, arrow

  /// How a file is read whose content does not tell.
  var kind: DataFile.Kind {
    switch self {
    case .json: .jsonLines
    case .text: .text
    case .csv: .table
    case .parquet: .parquet
    case .arrow: .arrow
    }
  }

  fileprivate var extensions: [String] {
    switch self {
    case .json: ["json", "jsonl", "ndjson"]
    case .text: ["txt"]
    case .csv: ["csv", "tsv"]
    case .parquet: ["parquet", "geoparquet", "gpq"]
    case .arrow: ["arrow"]
    }
  }

  /// Builders of `datasets` for what holds no text, or holds it in other ways; not read.
  static let unread: [String: String] = [
    "conll": "conll conllu", "webdataset": "tar", "xml": "xml", "hdf5": "hdf5 h5", "eval": "eval",
    "harbor": "toml md", "lance": "lance", "tsfile": "tsfile", "vortex": "vortex",
    "fasta": "fa fasta fna ffn faa frn afa", "genbank": "gb gbk genbank", "fastq": "fq fastq",
    "pdb": "pdb ent", "mmcif": "cif mmcif",
    "imagefolder": "blp bmp dib bufr cur pcx dcx dds ps eps fit fits fli flc ftc ftu gbr gif grib "
      + "png apng jp2 j2k jpc jpf jpx j2c icns ico im iim tif tiff jfif jpe jpg jpeg msp pcd pxr "
      + "pbm pgm ppm pnm psd bw rgb rgba sgi ras tga icb vda vst webp wmf emf xbm xpm",
    "audiofolder": "mpg aiff au avr caf flac htk svx mat4 mat5 mpc2k ogg paf pvf raw rf64 sd2 sds "
      + "ircam voc w64 wav nist wavex wve xi mp3 opus 3gp 3g2 asf flv m4v webm f4v wmv wma ogm mxf "
      + "nut",
    "videofolder": "mpeg avi mp4 mov mkv", "meshfolder": "glb gltf ply stl", "pdffolder": "pdf",
    "niftifolder": "nii", "pandas": "", "sql": "", "spark": "", "iceberg": "",
  ]

  /// What reads the files of an extension: a builder, or the name of one that is not read.
  static func of(extension name: String) -> Choice? { table[name] }

  enum Choice: Equatable { case read(DataBuilder), unread(String) }

  private static let table: [String: Choice] = {
    var table: [String: Choice] = [:]
    for (builder, extensions) in unread {
      for name in extensions.split(separator: " ") { table[String(name)] = .unread(builder) }
    }
    for builder in allCases { for name in builder.extensions { table[name] = .read(builder) } }
    return table
  }()
}

/// What the name of a file says.
enum FileName {
  private static let compressions: Set = ["gz", "gzip", "zst", "zstd"]

  /// The extensions of a name from the last on, as they are written.
  private static func extensions(_ path: String) -> [String] {
    let name = path.split(separator: "/").last ?? ""
    return name.drop { $0 == "." }.split(separator: ".").dropFirst().reversed().map { String($0) }
  }

  /// The last extension of a name, in small letters; nil where it has none.
  static func lastExtension(_ path: String) -> String? { extensions(path).first?.lowercased() }

  /// Every part of a name behind its first point, as `datasets` counts them.
  static func suffixes(_ path: String) -> [String] {
    let name = path.split(separator: "/").last ?? ""
    return name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().map {
      String($0)
    }
  }

  /// Whether a file in a folder is one of those that `datasets` takes for data.
  static func isData(_ path: String) -> Bool {
    suffixes(path).contains { $0 == "zip" || DataBuilder.of(extension: $0) != nil }
  }

  /// Whether a name in any case of letters is one of a text or table, for folders without others.
  static func isText(_ path: String) -> Bool { (try? kind(path)) != nil }

  /// Whether a builder reads a file of this name: an extension of its own, and what follows behind it.
  static func belongs(_ path: String, to builder: DataBuilder) -> Bool {
    suffixes(path).contains { $0 == "zip" || builder.extensions.contains($0) }
  }

  /// Files that describe others; they count only where there are no others.
  static let metadata: Set = ["metadata.csv", "metadata.jsonl", "metadata.parquet"]

  /// The kind that a name tells; nil where it tells none.
  static func kind(_ path: String) throws(DataError) -> DataFile.Kind? {
    guard let inner = extensions(path).first(where: { !compressions.contains($0.lowercased()) })
    else { return nil }
    let name = inner.lowercased()
    if let format = UnreadFormat.named(name) { throw .unreadFormat(path: path, format) }
    if name == "text" { return .text }
    guard case .read(let builder)? = DataBuilder.of(extension: name) else { return nil }
    return builder.kind
  }

  /// The byte between the fields of a table of this name.
  static func separator(_ path: String) -> UInt8 {
    extensions(path).contains { $0.lowercased() == "tsv" } ? 0x09 : UInt8(ascii: ",")
  }
}
