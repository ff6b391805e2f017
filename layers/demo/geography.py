"""The invented province: where its towns, rivers, roads and power lines lie. Nothing here was taken from a map.

Names and codes of the communes are real (they belong to the profile); their places and shapes are made up. Coordinates
are kilometres (east, north) in the storage CRS, EPSG:9210.
"""

from __future__ import annotations

from dataclasses import dataclass

Km = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Town:
    """A commune's centre. `weight` is its share of the parcels relative to the others."""

    code: str
    at: Km
    weight: float


@dataclass(frozen=True, slots=True)
class River:
    """A watercourse by its middle. `grade` sets the approved width of the corridor (see `LEGAL_WATER_M`)."""

    id: str
    name: str
    grade: int
    width_m: float
    course: tuple[Km, ...]
    meander_m: float = 250.0
    purpose: str = "Bảo vệ nguồn nước"


@dataclass(frozen=True, slots=True)
class Road:
    """A road by its axis. `land_m` is the width of the road land; the safety corridor begins at its outer edge."""

    id: str
    name: str
    grade: str
    land_m: float
    course: tuple[Km, ...]
    is_urban: bool = False


@dataclass(frozen=True, slots=True)
class PowerRoute:
    """A line by its angle towers. `spread_m` is the distance between the outermost conductors."""

    id: str
    name: str
    kilovolts: int
    spread_m: float
    is_insulated: bool
    course: tuple[Km, ...]


#: each side, from the bank edge, by grade of the watercourse (domain reference 5.4; recalled, stored on each feature)
LEGAL_WATER_M = {1: 50.0, 2: 30.0, 3: 20.0, 4: 10.0}
#: each side, from the outer edge of the road land (domain reference 5.3)
LEGAL_ROAD_M = {
    "cao_toc": 17.0,
    "cap_I": 17.0,
    "cap_II": 17.0,
    "cap_III": 13.0,
    "cap_IV": 9.0,
    "cap_V": 9.0,
    "cap_VI": 4.0,
}
#: each side, from the outermost conductor: (insulated, bare) (domain reference 5.2)
LEGAL_POWER_M = {22: (1.0, 2.0), 35: (1.5, 3.0), 110: (4.0, 4.0), 220: (6.0, 6.0), 500: (7.0, 7.0)}

#: the borders towards the north and the south; west and east the province ends in the middle of a river
FRAME: tuple[Km, ...] = (
    (590.0, 1202.5), (598.0, 1202.2), (604.0, 1202.9), (609.0, 1202.1), (617.0, 1202.4), (640.0, 1204.0),
    (640.0, 1262.5), (628.9, 1263.2), (622.0, 1265.8), (612.0, 1269.2), (600.0, 1267.6), (588.0, 1270.4),
    (576.0, 1269.4), (566.4, 1267.5), (558.0, 1268.0), (558.0, 1203.0),
)  # fmt: skip

TOWNS: tuple[Town, ...] = (
    Town("25942", (608.0, 1206.2), 4.2), Town("25951", (612.6, 1204.8), 3.0), Town("25945", (613.0, 1209.4), 2.8),
    Town("25975", (606.2, 1210.8), 3.2), Town("25987", (603.2, 1206.4), 2.8), Town("25966", (597.6, 1205.0), 3.2),
    Town("25978", (597.0, 1209.2), 3.4), Town("25969", (601.6, 1210.4), 3.0), Town("25750", (600.4, 1215.6), 3.0),
    Town("25747", (595.0, 1214.2), 4.6), Town("25771", (595.6, 1219.2), 2.2), Town("25760", (603.2, 1219.6), 2.4),
    Town("25768", (590.4, 1219.0), 1.2), Town("25849", (603.4, 1225.4), 1.4), Town("25920", (609.0, 1218.6), 1.8),
    Town("25891", (610.2, 1213.8), 2.2), Town("25888", (616.2, 1214.4), 1.9), Town("25912", (609.4, 1227.0), 1.1),
    Town("25915", (616.4, 1224.6), 0.9), Town("25843", (586.6, 1228.0), 0.8), Town("25846", (598.4, 1229.2), 1.6),
    Town("25813", (592.6, 1234.4), 1.5), Town("25837", (603.4, 1234.2), 1.1), Town("25840", (584.6, 1239.0), 0.6),
    Town("25906", (623.4, 1226.4), 0.6), Town("25909", (624.2, 1218.4), 0.6), Town("25882", (612.4, 1239.4), 0.6),
    Town("25822", (597.6, 1244.6), 0.9), Town("25819", (598.0, 1256.2), 0.5), Town("25858", (620.2, 1247.6), 0.7),
    Town("25864", (624.4, 1238.0), 0.4), Town("25867", (609.6, 1257.4), 0.4), Town("25780", (586.4, 1262.4), 0.4),
    Town("25792", (584.4, 1251.4), 0.4), Town("25807", (574.6, 1243.6), 0.5), Town("25777", (573.8, 1256.0), 0.7),
)  # fmt: skip

RIVERS: tuple[River, ...] = (
    River("SG", "Sông Tây (giả định)", 1, 210.0, (
        (565.6, 1273.0), (566.2, 1264.0), (566.8, 1255.0), (567.9, 1246.0), (571.0, 1238.2), (580.2, 1228.4), (587.3,
        1216.8),
        (592.3, 1209.4), (593.3, 1201.0),
    ), 420.0, "Cấp nước sinh hoạt; giao thông thủy"),
    River("DN", "Sông Đông (giả định)", 1, 260.0, (
        (628.0, 1271.0), (628.8, 1262.0), (630.6, 1250.0), (629.0, 1240.0), (631.6, 1230.0), (630.3, 1220.8), (623.1,
        1212.9),
        (617.1, 1207.2), (615.4, 1200.5),
    ), 420.0, "Cấp nước sinh hoạt; giao thông thủy"),
    River("TT", "Sông Giữa (giả định)", 2, 46.0, (
        (592.5, 1263.5), (590.6, 1254.0), (590.4, 1244.0), (588.6, 1236.0), (588.9, 1229.0), (587.9, 1222.0),
        (586.2, 1218.6),
    ), 380.0, "Tiêu thoát nước; phòng, chống sạt lở bờ"),
    River("SB", "Sông Bắc (giả định)", 2, 58.0, (
        (611.6, 1270.0), (616.4, 1258.0), (615.6, 1245.0), (620.8, 1235.0), (626.0, 1230.0), (631.5, 1228.0),
    ), 420.0, "Cấp nước sinh hoạt"),
    River("R01", "Rạch Bà Mẫu (giả định)", 4, 12.0, ((597.4, 1222.6), (594.4, 1217.0), (591.2, 1212.4)), 160.0),
    River("R02", "Rạch Ông Giả (giả định)", 4, 14.0, (
        (604.4, 1216.6), (600.4, 1213.0), (596.4, 1211.4), (592.3, 1208.0)), 180.0),
    River("R03", "Kênh Thử (giả định)", 3, 18.0, (
        (607.0, 1208.6), (602.0, 1208.4), (598.0, 1206.6), (593.0, 1205.6)), 130.0),
    River("R04", "Suối Đỏ (giả định)", 4, 10.0, ((611.0, 1215.4), (614.4, 1212.0), (619.6, 1209.6)), 200.0),
    River("R05", "Suối Cái (giả định)", 3, 16.0, (
        (605.6, 1222.4), (612.4, 1221.6), (618.6, 1219.4), (626.0, 1215.6)), 260.0),
    River("R06", "Suối Thôn (giả định)", 4, 9.0, (
        (600.6, 1243.2), (606.0, 1238.0), (611.4, 1233.2), (618.0, 1231.0), (622.6, 1233.0)), 300.0),
    River("R07", "Suối Sâu (giả định)", 4, 9.0, ((601.6, 1261.0), (595.4, 1257.6), (590.8, 1252.0)), 260.0),
    River("R08", "Kênh Đào Tây (giả định)", 3, 22.0, (
        (580.0, 1265.0), (577.0, 1256.0), (574.6, 1248.6), (569.6, 1241.2)), 40.0, "Cấp nước tưới"),
    River("R09", "Suối Dài (giả định)", 4, 10.0, (
        (585.6, 1258.6), (581.2, 1247.0), (577.6, 1238.6), (578.6, 1230.0)), 320.0),
    River("R10", "Suối Đá (giả định)", 4, 8.0, ((627.4, 1258.0), (621.6, 1252.0), (615.8, 1249.0)), 260.0),
    River("R11", "Suối Bến (giả định)", 4, 10.0, ((602.0, 1238.4), (596.0, 1236.6), (589.4, 1237.4)), 220.0),
    River("R12", "Rạch Sơn (giả định)", 4, 12.0, ((595.2, 1228.6), (591.2, 1226.4), (588.6, 1224.6)), 180.0),
    River("R13", "Suối Vàng (giả định)", 4, 9.0, ((606.6, 1231.6), (612.8, 1226.6), (618.6, 1224.0), (626.0, 1222.6),
    (631.0, 1223.6)), 260.0),
)  # fmt: skip

#: (name, middle, radius in metres)
LAKES: tuple[tuple[str, Km, float], ...] = (
    ("Hồ Thượng (giả định)", (569.2, 1263.4), 1900.0),
    ("Hồ Cần Mẫu (giả định)", (584.9, 1246.4), 620.0),
    ("Hồ Phước (giả định)", (612.6, 1235.6), 560.0),
    ("Hồ Đá Mẫu (giả định)", (609.0, 1223.4), 330.0),
)

ROADS: tuple[Road, ...] = (
    Road("CT1", "Cao tốc 1 (giả định)", "cao_toc", 46.0, (
        (610.6, 1201.5), (610.8, 1212.0), (606.4, 1222.4), (606.2, 1232.0), (603.4, 1245.0), (604.4, 1269.0))),
    Road("QL1", "Quốc lộ 1 (giả định)", "cap_I", 40.0, (
        (601.4, 1201.4), (600.4, 1206.6), (599.4, 1212.0), (598.2, 1217.0), (598.6, 1224.0), (598.2, 1229.4),
        (597.2, 1237.0), (597.4, 1245.0), (598.0, 1256.4), (599.6, 1268.6))),
    Road("QL2", "Quốc lộ 2 (giả định)", "cap_III", 28.0, (
        (565.0, 1257.4), (573.8, 1256.3), (584.4, 1252.0), (597.4, 1248.6), (609.4, 1249.4), (620.4, 1248.0),
        (632.0, 1249.4))),
    Road("QL3", "Quốc lộ 3 (giả định)", "cap_I", 42.0, (
        (592.0, 1204.2), (597.6, 1205.6), (603.2, 1205.4), (608.2, 1206.8), (613.0, 1206.4), (619.0, 1208.6))),
    Road("VD1", "Đường Vành đai 1 (giả định)", "cap_I", 54.0, (
        (590.4, 1212.4), (595.4, 1212.2), (601.0, 1212.8), (606.4, 1212.4), (611.0, 1211.2), (618.6, 1211.2)), True),
    Road("VD2", "Đường Vành đai 2 (giả định)", "cap_II", 44.0, (
        (585.4, 1222.6), (591.4, 1222.2), (598.4, 1222.8), (604.4, 1222.2), (611.0, 1220.6), (617.2, 1216.4),
        (624.6, 1213.6))),
    Road("VD3", "Đường Vành đai 3 (giả định)", "cap_II", 44.0, (
        (579.4, 1231.8), (587.0, 1232.6), (597.6, 1232.6), (608.4, 1230.4), (617.2, 1227.4), (630.0, 1225.0))),
    Road("DT1", "Đường tỉnh 1 (giả định)", "cap_III", 26.0, (
        (595.0, 1214.4), (591.0, 1219.2), (586.8, 1228.2), (584.8, 1239.2), (584.6, 1251.6), (586.2, 1262.6),
        (587.4, 1271.0))),
    Road("DT2", "Đường tỉnh 2 (giả định)", "cap_III", 26.0, (
        (600.6, 1215.8), (603.4, 1220.0), (603.6, 1225.6), (608.6, 1227.4), (612.6, 1239.6), (620.0, 1247.8))),
    Road("DT3", "Đường tỉnh 3 (giả định)", "cap_III", 24.0, (
        (606.0, 1210.8), (610.4, 1214.0), (616.4, 1214.8), (624.4, 1218.6), (623.4, 1226.6), (624.6, 1238.2),
        (620.4, 1247.4))),
)  # fmt: skip

#: power routes pass the edges of towns, as real ones do; the places of their bends are made up
POWER: tuple[PowerRoute, ...] = (
    PowerRoute("D500-1", "ĐD 500 kV Bắc – Đông (giả định)", 500, 22.0, False, (
        (577.0, 1270.6), (586.0, 1258.0), (597.5, 1244.4), (603.3, 1234.1), (609.5, 1226.9), (616.1, 1214.55), (622.0,
        1212.2))),
    PowerRoute("D500-2", "ĐD 500 kV Tây – Nam (giả định)", 500, 22.0, False, (
        (603.3, 1234.1), (598.8, 1228.9), (596.3, 1219.6), (600.0, 1215.9), (605.8, 1210.4), (609.0, 1202.6))),
    PowerRoute("D220-1", "ĐD 220 kV Trung tâm (giả định)", 220, 14.0, False, (
        (592.5, 1234.5), (598.1, 1229.6), (603.0, 1225.1), (609.4, 1218.3), (610.5, 1213.5), (607.7, 1206.6))),
    PowerRoute("D220-2", "ĐD 220 kV Bắc (giả định)", 220, 14.0, False, (
        (597.9, 1256.6), (597.5, 1244.4), (612.8, 1239.7), (620.6, 1247.3), (629.0, 1252.0))),
    PowerRoute("D110-1", "ĐD 110 kV Nam (giả định)", 110, 8.4, False, (
        (594.7, 1214.5), (597.3, 1209.5), (601.9, 1210.1), (605.8, 1210.4), (612.7, 1209.1), (612.3, 1205.1))),
    PowerRoute("D110-2", "ĐD 110 kV Đông (giả định)", 110, 8.4, False, (
        (616.1, 1214.55), (624.5, 1218.7), (623.1, 1226.1), (624.7, 1238.3), (620.6, 1247.3))),
    PowerRoute("D110-3", "ĐD 110 kV Tây (giả định)", 110, 8.4, False, (
        (592.5, 1234.5), (584.9, 1239.3), (574.9, 1243.9), (574.1, 1255.7), (584.1, 1251.8), (597.5, 1244.4))),
    PowerRoute("D22-1", "ĐD 22 kV Thủ Dầu Một (giả định)", 22, 2.4, True, ((594.7, 1214.5), (595.3, 1214.0), (596.2,
    1213.2))),
    PowerRoute("D22-2", "ĐD 22 kV Phú Giáo (giả định)", 22, 2.4, False, ((620.6, 1247.3), (620.0, 1247.8), (618.2,
    1246.4))),
    PowerRoute("D35-1", "ĐD 35 kV Dầu Tiếng (giả định)", 35, 3.2, False, ((574.1, 1255.7), (573.5, 1256.2), (571.6,
    1258.0))),
)  # fmt: skip

#: (name, kind, middle, radius in metres)
PARKS: tuple[tuple[str, str, Km, float], ...] = (
    ("KCN Mẫu 1", "kcn", (604.6, 1208.8), 820.0), ("KCN Mẫu 2", "kcn", (611.2, 1216.4), 1000.0),
    ("KCN Mẫu 3", "kcn", (601.0, 1226.6), 1350.0), ("KCN Mẫu 4", "kcn", (600.2, 1237.6), 1500.0),
    ("KCN Mẫu 5", "kcn", (600.4, 1247.6), 1700.0), ("KCN Mẫu 6", "kcn", (612.4, 1228.8), 1300.0),
    ("KCN Mẫu 7", "kcn", (594.6, 1238.6), 1150.0), ("KCN Mẫu 8", "kcn", (607.0, 1220.6), 900.0),
    ("CCN Mẫu 1", "ccn", (618.2, 1221.4), 420.0), ("CCN Mẫu 2", "ccn", (617.4, 1249.8), 460.0),
    ("CCN Mẫu 3", "ccn", (576.4, 1253.4), 430.0), ("CCN Mẫu 4", "ccn", (588.6, 1240.4), 400.0),
)  # fmt: skip

#: (name, kind, middle, radius in metres)
RESERVES: tuple[tuple[str, str, Km, float], ...] = (
    ("Rừng phòng hộ Hồ Thượng (giả định)", "rung_phong_ho", (572.6, 1265.0), 2300.0),
    ("Rừng phòng hộ Núi Mẫu (giả định)", "rung_phong_ho", (580.4, 1249.2), 1500.0),
    ("Khu bảo tồn đất ngập nước Sông Đông (giả định)", "dat_ngap_nuoc", (628.2, 1221.4), 1100.0),
    ("Khu cảnh quan Núi Giữa (giả định)", "canh_quan", (610.0, 1207.6), 520.0),
    ("Rừng sản xuất Phước Mẫu (giả định)", "rung_san_xuat", (614.6, 1262.2), 2600.0),
)
