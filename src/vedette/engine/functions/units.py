"""Conversion between units of measure. Factors are those of the units' definitions (BIPM, NIST SP 811, IAU 2015)."""

from __future__ import annotations

import math

from vedette.engine.catalog import scalar

_FOOT, _INCH, _POUND, _G = 0.3048, 0.0254, 0.45359237, 9.80665
_US_GALLON, _IMPERIAL_GALLON, _CUBIC_FOOT = 3.785411784e-3, 4.54609e-3, 0.028316846592
_BTU, _CALORIE, _ELECTRON_VOLT = 1055.05585262, 4.184, 1.602176634e-19
_LIGHT_YEAR, _PARSEC = 9.4607304725808e15, 3.0856775814913673e16
_DEGREE = math.pi / 180

ANGLE = {  # in radians
    "Arcminute": _DEGREE / 60, "Arcsecond": _DEGREE / 3600, "Centiradian": 1e-2, "Deciradian": 1e-1, "Degree": _DEGREE,
    "Gradian": _DEGREE * 0.9, "Microdegree": _DEGREE * 1e-6, "Microradian": 1e-6, "Millidegree": _DEGREE * 1e-3,
    "Milliradian": 1e-3, "Nanodegree": _DEGREE * 1e-9, "Nanoradian": 1e-9, "NatoMil": math.tau / 6400, "Radian": 1.0,
    "Revolution": math.tau,
}  # fmt: skip
ENERGY = {  # in joules
    "BritishThermalUnit": _BTU, "KilobritishThermalUnit": _BTU * 1e3, "MegabritishThermalUnit": _BTU * 1e6,
    "GigabritishThermalUnit": _BTU * 1e9, "Calorie": _CALORIE, "Kilocalorie": _CALORIE * 1e3, "Megacalorie": _CALORIE * 1e6,
    "ThermEc": 1.05505585262e8, "DecathermEc": 1.05505585262e9, "ThermImperial": 1.05505585257348e8,
    "DecathermImperial": 1.05505585257348e9, "ThermUs": 1.054804e8, "DecathermUs": 1.054804e9,
    "ElectronVolt": _ELECTRON_VOLT, "KiloelectronVolt": _ELECTRON_VOLT * 1e3, "MegaelectronVolt": _ELECTRON_VOLT * 1e6,
    "GigaelectronVolt": _ELECTRON_VOLT * 1e9, "TeraelectronVolt": _ELECTRON_VOLT * 1e12, "Erg": 1e-7,
    "FootPound": _FOOT * _POUND * _G, "HorsepowerHour": 550 * _FOOT * _POUND * _G * 3600, "Millijoule": 1e-3, "Joule": 1.0,
    "Kilojoule": 1e3, "Megajoule": 1e6, "Gigajoule": 1e9, "WattHour": 3.6e3, "KilowattHour": 3.6e6, "MegawattHour": 3.6e9,
    "GigawattHour": 3.6e12, "TerawattHour": 3.6e15, "WattDay": 8.64e4, "KilowattDay": 8.64e7, "MegawattDay": 8.64e10,
    "GigawattDay": 8.64e13, "TerawattDay": 8.64e16,
}  # fmt: skip
FORCE = {  # in newtons
    "Decanewton": 10.0, "Dyn": 1e-5, "KilogramForce": _G, "Kilonewton": 1e3, "KiloPond": _G, "KilopoundForce": _POUND * _G * 1e3,
    "Meganewton": 1e6, "Micronewton": 1e-6, "Millinewton": 1e-3, "Newton": 1.0, "OunceForce": _POUND * _G / 16,
    "Poundal": _POUND * _FOOT, "PoundForce": _POUND * _G, "ShortTonForce": _POUND * _G * 2e3, "TonneForce": _G * 1e3,
}  # fmt: skip
LENGTH = {  # in metres
    "Angstrom": 1e-10, "AstronomicalUnit": 1.495978707e11, "Centimeter": 1e-2, "Chain": 66 * _FOOT, "DataMile": 6e3 * _FOOT,
    "Decameter": 10.0, "Decimeter": 1e-1, "DtpPica": _INCH / 6, "DtpPoint": _INCH / 72, "Fathom": 6 * _FOOT, "Foot": _FOOT,
    "Hand": 4 * _INCH, "Hectometer": 1e2, "Inch": _INCH, "KilolightYear": _LIGHT_YEAR * 1e3, "Kilometer": 1e3,
    "Kiloparsec": _PARSEC * 1e3, "LightYear": _LIGHT_YEAR, "MegalightYear": _LIGHT_YEAR * 1e6, "Megaparsec": _PARSEC * 1e6,
    "Meter": 1.0, "Microinch": _INCH * 1e-6, "Micrometer": 1e-6, "Mil": _INCH * 1e-3, "Mile": 5280 * _FOOT, "Millimeter": 1e-3,
    "Nanometer": 1e-9, "NauticalMile": 1852.0, "Parsec": _PARSEC, "PrinterPica": 12 * 0.013837 * _INCH,
    "PrinterPoint": 0.013837 * _INCH, "Shackle": 90 * _FOOT, "SolarRadius": 6.957e8, "Twip": _INCH / 1440,
    "UsSurveyFoot": 1200 / 3937, "Yard": 3 * _FOOT,
}  # fmt: skip
MASS = {  # in kilograms
    "Centigram": 1e-5, "Decagram": 1e-2, "Decigram": 1e-4, "EarthMass": 5.9722e24, "Grain": _POUND / 7000, "Gram": 1e-3,
    "Hectogram": 1e-1, "Kilogram": 1.0, "Kilopound": _POUND * 1e3, "Kilotonne": 1e6, "LongHundredweight": 112 * _POUND,
    "LongTon": 2240 * _POUND, "Megapound": _POUND * 1e6, "Megatonne": 1e9, "Microgram": 1e-9, "Milligram": 1e-6,
    "Nanogram": 1e-12, "Ounce": _POUND / 16, "Pound": _POUND, "ShortHundredweight": 100 * _POUND, "ShortTon": 2e3 * _POUND,
    "Slug": _POUND * _G / _FOOT, "SolarMass": 1.98841e30, "Stone": 14 * _POUND, "Tonne": 1e3,
}  # fmt: skip
SPEED = {  # in metres a second
    f"{length}Per{time}": LENGTH[length] / seconds
    for length in (
        "Centimeter", "Decimeter", "Foot", "Inch", "Kilometer", "Meter", "Micrometer", "Mile", "Millimeter", "Nanometer",
        "UsSurveyFoot", "Yard",
    )
    for time, seconds in (("Hour", 3600), ("Minute", 60), ("Second", 1))
} | {"Knot": 1852 / 3600}  # fmt: skip
TEMPERATURE = {  # kelvins of one step, and of zero
    "Kelvin": (1.0, 0.0), "DegreeCelsius": (1.0, 273.15), "DegreeDelisle": (-2 / 3, 373.15),
    "DegreeFahrenheit": (5 / 9, 459.67 * 5 / 9), "DegreeNewton": (100 / 33, 273.15), "DegreeRankine": (5 / 9, 0.0),
    "DegreeReaumur": (5 / 4, 273.15), "DegreeRoemer": (40 / 21, 273.15 - 7.5 * 40 / 21), "MillidegreeCelsius": (1e-3, 273.15),
    "SolarTemperature": (5778.0, 0.0),
}  # fmt: skip
VOLUME = {  # in cubic metres
    "AcreFoot": 43560 * _CUBIC_FOOT, "AuTablespoon": 2e-5, "BoardFoot": _CUBIC_FOOT / 12, "Centiliter": 1e-5,
    "CubicCentimeter": 1e-6, "CubicDecimeter": 1e-3, "CubicFoot": _CUBIC_FOOT, "CubicHectometer": 1e6,
    "CubicInch": _CUBIC_FOOT / 1728, "CubicKilometer": 1e9, "CubicMeter": 1.0, "CubicMicrometer": 1e-18,
    "CubicMile": 4168181825.440579584, "CubicMillimeter": 1e-9, "CubicYard": 27 * _CUBIC_FOOT, "Decaliter": 1e-2,
    "DecausGallon": _US_GALLON * 10, "Deciliter": 1e-4, "DeciusGallon": _US_GALLON / 10, "HectocubicFoot": _CUBIC_FOOT * 1e2,
    "HectocubicMeter": 1e2, "Hectoliter": 1e-1, "HectousGallon": _US_GALLON * 1e2, "ImperialBeerBarrel": 36 * _IMPERIAL_GALLON,
    "ImperialGallon": _IMPERIAL_GALLON, "ImperialOunce": _IMPERIAL_GALLON / 160, "ImperialPint": _IMPERIAL_GALLON / 8,
    "KilocubicFoot": _CUBIC_FOOT * 1e3, "KilocubicMeter": 1e3, "KiloimperialGallon": _IMPERIAL_GALLON * 1e3, "Kiloliter": 1.0,
    "KilousGallon": _US_GALLON * 1e3, "Liter": 1e-3, "MegacubicFoot": _CUBIC_FOOT * 1e6,
    "MegaimperialGallon": _IMPERIAL_GALLON * 1e6, "Megaliter": 1e3, "MegausGallon": _US_GALLON * 1e6, "MetricCup": 2.5e-4,
    "MetricTeaspoon": 5e-6, "Microliter": 1e-9, "Milliliter": 1e-6, "OilBarrel": 42 * _US_GALLON, "UkTablespoon": 1.5e-5,
    "UsBeerBarrel": 31 * _US_GALLON, "UsCustomaryCup": _US_GALLON / 16, "UsGallon": _US_GALLON, "UsLegalCup": 2.4e-4,
    "UsOunce": _US_GALLON / 128, "UsPint": _US_GALLON / 8, "UsQuart": _US_GALLON / 4, "UsTablespoon": _US_GALLON / 256,
    "UsTeaspoon": _US_GALLON / 768,
}  # fmt: skip


def _scaled(name: str, factors: dict[str, float]) -> None:
    def converted(value: float, source: str, target: str) -> float | None:
        if source not in factors or target not in factors:
            return None
        return value * factors[source] / factors[target]

    _register(name, converted)


def _register(name: str, function: object) -> None:
    what = name.removeprefix("convert_")
    scalar(
        f"{name}(value: real, from: string, to: string): real",
        about=f"A {what} in another unit; null where a unit is not known.",
        page=f"convert-{what}-function", kind="row",
    )(function)  # type: ignore[arg-type]  # fmt: skip


def converted_angle(value: float, source: str, target: str) -> float | None:
    """An angle in another unit; `Tilt` is its sine."""
    if source == "Tilt":
        radians = math.asin(value) if -1 <= value <= 1 else math.nan
    elif source in ANGLE:
        radians = value * ANGLE[source]
    else:
        return None
    if target == "Tilt":
        return math.sin(radians)
    return radians / ANGLE[target] if target in ANGLE else None


def converted_temperature(value: float, source: str, target: str) -> float | None:
    """A temperature in another unit."""
    if source not in TEMPERATURE or target not in TEMPERATURE:
        return None
    step, zero = TEMPERATURE[source]
    other_step, other_zero = TEMPERATURE[target]
    return (value * step + (zero - other_zero)) / other_step


_register("convert_angle", converted_angle)
_register("convert_temperature", converted_temperature)
for _name, _factors in (
    ("convert_energy", ENERGY), ("convert_force", FORCE), ("convert_length", LENGTH), ("convert_mass", MASS),
    ("convert_speed", SPEED), ("convert_volume", VOLUME),
):  # fmt: skip
    _scaled(_name, _factors)
