// Countries with their calling codes, and checks of a phone number's format. Only the API checks
// whether the number exists and may be texted.

// Each entry is a region and its calling code. Where regions share a code, the number shows which.
const CALLING_CODES =
  "AD376 AE971 AF93 AG1 AI1 AL355 AM374 AO244 AR54 AS1 AT43 AU61 AW297 AZ994 BA387 BB1 BD880 BE32 BF226 BG359 BH973 BI257 BJ229 BM1 BN673 BO591 BR55 BS1 BT975 BW267 BY375 BZ501 CA1 CD243 CF236 CG242 CH41 CI225 CK682 CL56 CM237 CN86 CO57 CR506 CU53 CV238 CY357 CZ420 DE49 DJ253 DK45 DM1 DO1 DZ213 EC593 EE372 EG20 ER291 ES34 ET251 FI358 FJ679 FM691 FO298 FR33 GA241 GB44 GD1 GE995 GF594 GG44 GH233 GI350 GL299 GM220 GN224 GP590 GQ240 GR30 GT502 GU1 GW245 GY592 HK852 HN504 HR385 HT509 HU36 ID62 IE353 IL972 IM44 IN91 IQ964 IR98 IS354 IT39 JE44 JM1 JO962 JP81 KE254 KG996 KH855 KI686 KM269 KN1 KR82 KW965 KY1 KZ7 LA856 LB961 LC1 LI423 LK94 LR231 LS266 LT370 LU352 LV371 LY218 MA212 MC377 MD373 ME382 MG261 MH692 MK389 ML223 MM95 MN976 MO853 MQ596 MR222 MS1 MT356 MU230 MV960 MW265 MX52 MY60 MZ258 NA264 NC687 NE227 NG234 NI505 NL31 NO47 NP977 NR674 NZ64 OM968 PA507 PE51 PF689 PG675 PH63 PK92 PL48 PM508 PR1 PS970 PT351 PW680 PY595 QA974 RE262 RO40 RS381 RU7 RW250 SA966 SB677 SC248 SD249 SE46 SG65 SI386 SK421 SL232 SM378 SN221 SO252 SR597 SS211 ST239 SV503 SY963 SZ268 TC1 TD235 TG228 TH66 TJ992 TL670 TM993 TN216 TO676 TR90 TT1 TW886 TZ255 UA380 UG256 US1 UY598 UZ998 VC1 VE58 VG1 VI1 VN84 VU678 WS685 YE967 ZA27 ZM260 ZW263";

const FEWEST_DIGITS = 5;
const MOST_DIGITS = 15; // E.164, including the calling code
const NORTH_AMERICAN_DIGITS = 10;

/** @typedef {{region: string, code: string, name: string}} Country */

/**
 * Return all countries, named in a language and sorted by name.
 * @param {string} language such as "en-GB"
 * @returns {Country[]}
 */
export function countries(language) {
  const names = new Intl.DisplayNames([language, "en"], { type: "region" });
  return CALLING_CODES.split(" ")
    .map((entry) => ({
      region: entry.slice(0, 2),
      code: entry.slice(2),
      name: names.of(entry.slice(0, 2)) ?? entry.slice(0, 2),
    }))
    .sort((one, other) => one.name.localeCompare(other.name, language));
}

/**
 * Return the region in a language tag, or the United States if it has none that we know.
 * @param {string} language such as "en-GB"
 * @returns {string} such as "GB"
 */
export function likelyRegion(language) {
  const region = new Intl.Locale(language).region ?? "US";
  return CALLING_CODES.includes(`${region}`) && /^[A-Z]{2}$/.test(region) ? region : "US";
}

/**
 * Return the calling code of a number typed with `+` or `00`; null if there is no known one.
 * @param {string} typed
 * @returns {string | null}
 */
export function callingCodeIn(typed) {
  const digits = internationalDigits(typed);
  if (digits === null) return null;
  const codes = new Set(CALLING_CODES.split(" ").map((entry) => entry.slice(2)));
  return (
    [1, 2, 3].map((length) => digits.slice(0, length)).find((start) => codes.has(start)) ?? null
  );
}

/**
 * Return the digits after `+` or `00`; null for a national number.
 * @param {string} typed
 * @returns {string | null}
 */
function internationalDigits(typed) {
  const trimmed = typed.trim();
  if (trimmed.startsWith("+")) return trimmed.replace(/\D/g, "");
  return /^00[1-9]/.test(trimmed) ? trimmed.replace(/\D/g, "").slice(2) : null;
}

/**
 * Return a number in international format: `+`, the calling code and digits only.
 * @param {string} typed the number as the visitor typed it
 * @param {string} code calling code of the chosen country, for a number typed without one
 * @returns {string}
 */
export function international(typed, code) {
  const digits = internationalDigits(typed);
  return digits === null ? `+${code}${typed.replace(/\D/g, "")}` : `+${digits}`;
}

/**
 * Return what is wrong with a number's format; null if nothing is.
 * @param {string} typed the number as the visitor typed it
 * @param {string} code calling code of the chosen country, for a number typed without one
 * @returns {string | null}
 */
export function phoneFormatError(typed, code) {
  if (/[^\d\s().+\-/]/.test(typed)) return "Use only digits, spaces, hyphens and brackets.";
  const digits = international(typed, code).slice(1);
  const used = callingCodeIn(typed) ?? code;
  const own = digits.slice(used.length);
  if (used === "1") {
    const difference = NORTH_AMERICAN_DIGITS - own.length;
    if (difference > 0)
      return `${digitsWord(difference)} missing: numbers here have ${NORTH_AMERICAN_DIGITS} digits, including the area code.`;
    if (difference < 0)
      return `${digitsWord(-difference)} too many: numbers here have ${NORTH_AMERICAN_DIGITS} digits, including the area code.`;
    return null;
  }
  if (own.length < FEWEST_DIGITS) return "This phone number is too short.";
  if (digits.length > MOST_DIGITS) return "This phone number is too long.";
  return null;
}

/** @param {number} count */
function digitsWord(count) {
  return `${count} ${count === 1 ? "digit is" : "digits are"}`;
}
