// How connections are made: timeouts, proxies and certificates, as curl and Python's requests read them
// from the environment.

/// What every request of a client shares.
package struct HTTPSettings: Sendable {
  package var connectSeconds = 10.0
  package var stallSeconds = 10.0
  /// By scheme; empty: none.
  package var proxies = ["http": "", "https": ""]
  package var withoutProxy = ""
  /// A file or a folder of certificates; nil: the system's.
  package var certificates: String?
  package var userAgent = "saeline/\(Product.version)"

  /// The variables that name certificates, the strongest first.
  private static let certificateVariables = [
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
  ]

  package init(_ environment: [String: String]) {
    func first(_ names: [String]) -> String? {
      names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
    for scheme in ["http", "https"] {
      proxies[scheme] =
        first(["\(scheme)_proxy", "\(scheme.uppercased())_PROXY", "all_proxy", "ALL_PROXY"]) ?? ""
    }
    withoutProxy = first(["no_proxy", "NO_PROXY"]) ?? ""
    certificates = first(Self.certificateVariables)
  }
}
