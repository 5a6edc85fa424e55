// How pages look: one style sheet for light and dark, wide screens, phones and paper.

enum PageStyle {
  static let sheet = colors + frame + charts + tables + narrow

  private static let colors = """
    :root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1d1f23;--soft:#666c75;
    --line:#e3e4e6;--mark:30 104 196;--s0:#1e68c4;--s1:#c2571a;--s2:#2b8a57;--s3:#8a56ac;
    --s4:#0b7f91;--s5:#b8326e;--s6:#837208;--s7:#5f6b7a}
    @media(prefers-color-scheme:dark){:root{--page:#15171a;--card:#1d2024;--ink:#e4e6e9;
    --soft:#9aa1ab;--line:#31353b;--mark:96 165 250;--s0:#60a5fa;--s1:#f0955a;--s2:#5cc48d;--s3:#c79be6;
    --s4:#45c1d3;--s5:#f07aab;--s6:#d2bd45;--s7:#a5b1c2}}
    .s0{color:var(--s0)}.s1{color:var(--s1)}.s2{color:var(--s2)}.s3{color:var(--s3)}
    .s4{color:var(--s4)}.s5{color:var(--s5)}.s6{color:var(--s6)}.s7{color:var(--s7)}

    """

  private static let frame = """
    *{box-sizing:border-box}
    html{scroll-padding-top:56px}
    body{margin:0 auto;max-width:1180px;padding:36px 24px 64px;background:var(--page);color:var(--ink);
    font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
    h1{font-size:32px;line-height:1.2;margin:0 0 10px;font-weight:650;letter-spacing:-.01em;
    overflow-wrap:anywhere}
    h2{font-size:20px;margin:0 0 12px;font-weight:620}h2 a{color:inherit;text-decoration:none}
    h2 a:hover::after{content:" #";color:var(--soft)}
    h3{font-size:16px;margin:0 0 6px;font-weight:620;display:flex;flex-wrap:wrap;gap:4px 10px;
    align-items:baseline}
    h4{font-size:13.5px;font-weight:600;margin:10px 0 4px}
    section{margin-top:40px}p{margin:0}a{color:var(--s0)}
    small{color:var(--soft);font-size:12.5px;font-weight:400}
    code,dd{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px}
    button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}
    :focus-visible{outline:2px solid var(--s0);outline-offset:2px;border-radius:3px}
    .kind{color:var(--soft);font-size:13px;margin-bottom:4px}
    .facts{display:flex;flex-wrap:wrap;gap:6px}
    .facts span,.facts a,.label{background:rgb(var(--mark)/.1);color:var(--ink);border-radius:5px;padding:2px 9px;
    font-size:13.5px;overflow-wrap:anywhere}.facts a{color:var(--s0)}
    nav{position:sticky;top:0;z-index:3;display:flex;gap:4px 18px;overflow-x:auto;margin:18px -24px 0;
    padding:9px 24px;background:var(--page);border-bottom:1px solid var(--line);white-space:nowrap}
    nav a{color:var(--soft);text-decoration:none;font-size:14px}nav a:hover{color:var(--ink)}
    nav+main section:first-child{margin-top:22px}
    .note{color:var(--soft);font-size:14px;margin:6px 0 12px;max-width:85ch;overflow-wrap:anywhere}
    .cards{display:grid;grid-template-columns:repeat(5,1fr);gap:12px;margin-bottom:12px}
    .cards[data-count="4"],.cards[data-count="7"],.cards[data-count="8"],
    .cards[data-count="11"],.cards[data-count="12"],.cards[data-count="16"]{
    grid-template-columns:repeat(4,1fr)}
    .cards[data-count="3"],.cards[data-count="6"],.cards[data-count="9"]{grid-template-columns:repeat(3,1fr)}
    .card,figure,article{background:var(--card);border:1px solid var(--line);border-radius:8px}
    .card{padding:12px 15px;display:flex;flex-direction:column;min-width:0}
    .card p{color:var(--soft);font-size:13.5px}.card small{overflow-wrap:anywhere}
    .card strong{font-size:25px;font-weight:620;line-height:1.35;font-variant-numeric:tabular-nums}
    .pairs{columns:2;column-gap:36px;margin:0 0 14px}
    .pairs div{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,3fr);gap:0 14px;padding:4px 0;
    border-bottom:1px solid var(--line);break-inside:avoid}
    dt{color:var(--soft);font-size:13.5px;overflow-wrap:anywhere}dd{margin:0;overflow-wrap:anywhere}
    .tool{color:var(--soft);border:1px solid var(--line);border-radius:5px;padding:0 8px;font-size:12.5px;
    line-height:21px;background:var(--card);white-space:nowrap}.tool:hover{color:var(--ink)}
    .tool[aria-pressed=true]{color:var(--page);background:var(--soft);border-color:var(--soft)}
    [hidden]{display:none!important}

    """

  private static let charts = """
    .charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:12px;margin-bottom:12px}
    .charts .wide,.charts figure:last-child:nth-child(odd){grid-column:1/-1}
    figure{margin:0;padding:13px 14px 8px;min-width:0}
    figcaption{display:flex;flex-wrap:wrap;gap:2px 8px;align-items:baseline}figcaption b{font-weight:600}
    .tools{margin-left:auto;display:flex;gap:6px}
    .plot{position:relative;margin-top:6px;touch-action:pan-y;cursor:crosshair}
    .plot svg{display:block;max-width:100%;user-select:none}
    .grid{stroke:var(--line)}.notch{stroke:var(--soft)}.rule{stroke:var(--soft);stroke-dasharray:3 3}
    .tick,.axis,.mark{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
    .axis{font-size:11.5px}.end{text-anchor:end}.middle{text-anchor:middle}
    .line{fill:none;stroke:currentColor;stroke-width:1.7;stroke-linejoin:round}
    .line.s1{stroke-dasharray:7 3}.line.s2{stroke-dasharray:2 2.5}.line.s3{stroke-dasharray:8 3 2 3}
    .line.s4{stroke-dasharray:4 2}.line.s5{stroke-dasharray:1.5 4}.line.s6{stroke-dasharray:11 4}
    .line.s7{stroke-dasharray:5 2 1 2 1 2}.line.again{stroke-width:2.6}
    .dot{fill:currentColor}.point{fill:currentColor;opacity:.35}.point.front{opacity:1}.linked{cursor:pointer}
    .mark.front{fill:var(--ink)}.band{fill:rgb(var(--mark)/.15)}
    rect.bar{fill:var(--s0);opacity:.85}rect.aside{fill:var(--s1)}
    .pointer{position:absolute;top:14px;z-index:2;pointer-events:none;background:var(--card);border:1px solid
    var(--line);border-radius:6px;padding:5px 9px;font-size:12.5px;line-height:1.5;
    box-shadow:0 2px 8px rgb(0 0 0/.14);white-space:nowrap;max-width:70%}
    .pointer div{display:flex;gap:6px;align-items:center}.pointer span{margin-left:auto;padding-left:10px;
    font-variant-numeric:tabular-nums}.pointer i{width:9px;height:9px;border-radius:2px;background:currentColor}
    .legend{display:flex;flex-wrap:wrap;gap:0 14px;font-size:13px;color:var(--soft);margin-top:3px}
    .legend button{display:flex;gap:6px;align-items:center}.legend button[aria-pressed=false]{opacity:.4}

    """

  private static let tables = """
    .seek{display:flex;flex-wrap:wrap;gap:8px 12px;margin-bottom:10px;align-items:center}
    input[type=search]{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);
    border-radius:6px;padding:6px 11px;flex:1 1 240px;max-width:440px;min-width:0}
    .choice{position:relative;font-size:13.5px}.choice summary{cursor:pointer;color:var(--soft)}
    .choice div{position:absolute;z-index:4;background:var(--card);border:1px solid var(--line);border-radius:6px;
    padding:8px 14px;display:grid;max-height:320px;overflow:auto;white-space:nowrap;box-shadow:0 2px 8px rgb(0 0 0/.14)}
    .scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
    th{text-align:left;font-weight:500}thead th{color:var(--soft);font-size:13px;font-weight:400;white-space:nowrap}
    th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
    .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
    .best{font-weight:650}.arrow{font-style:normal;font-size:9px;display:inline-block;width:12px;text-align:center}
    th.n .arrow{margin-right:-12px}.tokens{white-space:pre}tr.opens{cursor:pointer}tr.opens:hover td{background:rgb(var(--mark)/.06)}
    .track{display:inline-block;width:120px;height:8px;margin-right:10px;border-radius:4px;background:var(--line);
    vertical-align:1px}.track i{display:block;height:8px;width:calc(var(--a)*100%);border-radius:4px;background:var(--s0)}
    .more{display:flex;gap:12px;align-items:center;padding-top:8px}
    article{padding:14px 16px 10px;margin:12px 0}article.open{border-color:var(--s0)}
    ol{list-style:none;margin:0;padding:0}
    li{display:grid;grid-template-columns:58px minmax(0,1fr) auto;gap:0 12px;padding:5px 0;border-top:1px solid var(--line)}
    li b{font-weight:500;color:var(--soft);text-align:right;font-variant-numeric:tabular-nums;font-size:14px}
    li small{white-space:nowrap;line-height:1.9}
    q{quotes:none;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
    q span,q mark{background:rgb(var(--mark)/calc(var(--a,0)*.5));color:inherit;border-radius:3px;
    padding:1px 0;unicode-bidi:isolate}q .dim{color:var(--soft);opacity:.55;background:none;font-size:12.5px}
    q mark{font-weight:650;box-shadow:inset 0 -2px rgb(var(--mark))}
    .sides{margin:4px 0 10px;display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:0 28px}
    .words{display:flex;flex-wrap:wrap;gap:4px 6px}.words span,.words a{border:1px solid var(--line);border-radius:4px;
    padding:0 6px;font-size:13px;white-space:pre;max-width:100%;overflow:hidden;text-overflow:ellipsis}
    .words small{padding-left:6px}details>summary{cursor:pointer}article>details>summary{color:var(--soft);
    font-size:13.5px;margin-top:8px}

    """

  private static let narrow = """
    @media(max-width:900px){.cards,.cards[data-count]{grid-template-columns:repeat(3,1fr)}
    .cards[data-count="4"],.cards[data-count="8"],.cards[data-count="10"]{grid-template-columns:repeat(2,1fr)}
    .charts,.sides{grid-template-columns:minmax(0,1fr)}.pairs{columns:1}}
    @media(max-width:560px){body{padding:24px 14px 48px}nav{margin:14px -14px 0;padding:8px 14px}
    h1{font-size:26px}.cards,.cards[data-count]{grid-template-columns:repeat(2,1fr)}.card strong{font-size:21px}
    .cards[data-count="5"] .card:last-child,.cards[data-count="7"] .card:last-child,
    .cards[data-count="9"] .card:last-child{grid-column:1/-1}
    li{grid-template-columns:46px minmax(0,1fr)}li small{grid-column:2}.track{width:60px}}
    @media print{body{max-width:none;padding:0}nav,.tools,.seek{display:none}article,figure,.card{break-inside:avoid}}
    """
}
