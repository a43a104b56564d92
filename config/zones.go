package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"storyform/internal/suggest"
)

// zoneAnswer is what loading a time zone said.
type zoneAnswer struct {
	loc     *time.Location
	problem string
}

// location returns the time zone of an IANA name, or says what is wrong with
// the name. Each zone is loaded once.
func (l *loader) location(name string) (*time.Location, string) {
	a, ok := l.zones[name]
	if !ok {
		a.loc, a.problem = loadZone(name)
		l.zones[name] = a
	}
	return a.loc, a.problem
}

// loadZone loads a time zone. Only names of places are taken, and UTC: an
// abbreviation such as EST names an offset that knows no summer, which is not
// what people mean by it.
func loadZone(name string) (*time.Location, string) {
	const want = `A time zone is named by its IANA name, such as "Asia/Jakarta" or "Europe/Berlin".`
	if zone, ok := abbreviations[strings.ToUpper(name)]; ok {
		return time.UTC, fmt.Sprintf("%q is an abbreviation, which several places use and which knows no daylight saving. Write a place, such as %q. %s", name, zone, want)
	}
	if name == "" || len(name) > 60 || notPlace.MatchString(name) {
		return time.UTC, fmt.Sprintf("%s is not a time zone. %s", shortString(name), want)
	}
	if loc, err := time.LoadLocation(name); err == nil {
		return loc, ""
	}
	if s := similarZone(name); s != "" {
		return time.UTC, fmt.Sprintf("There is no time zone %s. Did you mean %q?", shortString(name), s)
	}
	return time.UTC, fmt.Sprintf("There is no time zone %s. %s", shortString(name), want)
}

// notPlace matches what the time zone files of some machines have besides the
// places: the clock of the machine itself, which is another one elsewhere, and
// zones that count leap seconds.
var notPlace = regexp.MustCompile(`^(Local|localtime|posixrules|Factory|posix/.*|right/.*|.*//.*)$`)

// similarZone suggests a zone for a name that is none.
func similarZone(name string) string {
	zones := strings.Fields(knownZones)
	if s := suggest.Nearest(name, zones); s != "" {
		return s
	}
	// "Jakarta" and "Indonesia/Jakarta" mean Asia/Jakarta.
	city := strings.ReplaceAll(name[strings.LastIndexByte(name, '/')+1:], " ", "_")
	for _, z := range zones {
		if strings.EqualFold(city, z[strings.LastIndexByte(z, '/')+1:]) {
			return z
		}
	}
	return ""
}

// abbreviations maps what people write to a place that uses it.
var abbreviations = map[string]string{
	"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura", "SGT": "Asia/Singapore",
	"JST": "Asia/Tokyo", "KST": "Asia/Seoul", "IST": "Asia/Kolkata", "PKT": "Asia/Karachi", "HKT": "Asia/Hong_Kong",
	"PHT": "Asia/Manila", "ICT": "Asia/Bangkok", "MYT": "Asia/Kuala_Lumpur", "GST": "Asia/Dubai",
	"CET": "Europe/Berlin", "CEST": "Europe/Berlin", "MET": "Europe/Berlin", "EET": "Europe/Helsinki", "EEST": "Europe/Helsinki",
	"WET": "Europe/Lisbon", "BST": "Europe/London", "GMT": "Europe/London", "MSK": "Europe/Moscow", "TRT": "Europe/Istanbul",
	"EST": "America/New_York", "EDT": "America/New_York", "EST5EDT": "America/New_York",
	"CST": "America/Chicago", "CDT": "America/Chicago", "CST6CDT": "America/Chicago",
	"MST": "America/Denver", "MDT": "America/Denver", "MST7MDT": "America/Denver",
	"PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "PST8PDT": "America/Los_Angeles",
	"AKST": "America/Anchorage", "HST": "Pacific/Honolulu", "AST": "America/Halifax", "BRT": "America/Sao_Paulo", "ART": "America/Argentina/Buenos_Aires",
	"AEST": "Australia/Sydney", "AEDT": "Australia/Sydney", "ACST": "Australia/Adelaide", "AWST": "Australia/Perth", "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
	"SAST": "Africa/Johannesburg", "EAT": "Africa/Nairobi", "WAT": "Africa/Lagos", "CAT": "Africa/Maputo",
}

// knownZones are names to suggest; any other IANA name is taken as well.
const knownZones = `UTC
Africa/Abidjan Africa/Accra Africa/Addis_Ababa Africa/Algiers Africa/Cairo Africa/Casablanca Africa/Dakar Africa/Johannesburg
Africa/Kampala Africa/Khartoum Africa/Lagos Africa/Maputo Africa/Nairobi Africa/Tunis
America/Anchorage America/Argentina/Buenos_Aires America/Bogota America/Caracas America/Chicago America/Denver America/Guatemala
America/Halifax America/Havana America/La_Paz America/Lima America/Los_Angeles America/Mexico_City America/Montevideo
America/New_York America/Panama America/Phoenix America/Puerto_Rico America/Santiago America/Santo_Domingo America/Sao_Paulo
America/St_Johns America/Tijuana America/Toronto America/Vancouver
Asia/Almaty Asia/Amman Asia/Baghdad Asia/Baku Asia/Bangkok Asia/Beirut Asia/Colombo Asia/Dhaka Asia/Dubai Asia/Ho_Chi_Minh
Asia/Hong_Kong Asia/Jakarta Asia/Jayapura Asia/Jerusalem Asia/Kabul Asia/Karachi Asia/Kathmandu Asia/Kolkata Asia/Kuala_Lumpur
Asia/Kuwait Asia/Macau Asia/Makassar Asia/Manila Asia/Muscat Asia/Phnom_Penh Asia/Qatar Asia/Riyadh Asia/Seoul Asia/Shanghai
Asia/Singapore Asia/Taipei Asia/Tashkent Asia/Tbilisi Asia/Tehran Asia/Tokyo Asia/Ulaanbaatar Asia/Vientiane Asia/Yangon Asia/Yerevan
Atlantic/Azores Atlantic/Canary Atlantic/Reykjavik
Australia/Adelaide Australia/Brisbane Australia/Darwin Australia/Hobart Australia/Lord_Howe Australia/Melbourne Australia/Perth Australia/Sydney
Europe/Amsterdam Europe/Athens Europe/Belgrade Europe/Berlin Europe/Brussels Europe/Bucharest Europe/Budapest Europe/Copenhagen
Europe/Dublin Europe/Helsinki Europe/Istanbul Europe/Kyiv Europe/Lisbon Europe/London Europe/Luxembourg Europe/Madrid Europe/Malta
Europe/Minsk Europe/Moscow Europe/Oslo Europe/Paris Europe/Prague Europe/Riga Europe/Rome Europe/Sarajevo Europe/Sofia
Europe/Stockholm Europe/Tallinn Europe/Vienna Europe/Vilnius Europe/Warsaw Europe/Zagreb Europe/Zurich
Indian/Maldives Indian/Mauritius Pacific/Auckland Pacific/Fiji Pacific/Guam Pacific/Honolulu Pacific/Port_Moresby`
