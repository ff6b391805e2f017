"""Why an outcome is what it is, and what to do next: one code, one sentence in each language."""

from __future__ import annotations

from gis.errors import Message

Reason = dict[str, object]

_TEXTS: dict[str, Message] = {
    "outside_mapped_area": Message(
        "Thửa đất nằm ngoài vùng dữ liệu đã công bố của lớp này. Bước tiếp theo: lấy ý kiến {office} hoặc chờ lớp được "
        "công bố cho khu vực này.",
        "The subject lies outside the mapped area of this layer. Next step: ask {office}, or wait until the layer is "
        "published for this area.",
    ),
    "outside_extent": Message(
        "Khu đất không nằm trọn trong địa bàn của hồ sơ cấu hình nên không kết luận gì. Bước tiếp theo: kiểm tra hệ "
        "tọa độ và ranh giới của khu đất, hoặc lấy ý kiến {office}.",
        "The subject does not lie wholly inside the area of the profile, so nothing is concluded. Next step: check its "
        "coordinate system and boundary, or ask {office}.",
    ),
    "partly_mapped": Message(
        "Dữ liệu mới phủ {share} thửa đất (kể cả khoảng cách xét). Bước tiếp theo: lấy ý kiến {office} cho "
        "phần còn lại.",
        "Only {share} of the subject and its surroundings is mapped. Next step: ask {office} about the rest.",
    ),
    "refused_row": Message(
        "Tại đây có đối tượng bị loại khi công bố vì lỗi dữ liệu, nên coi như chưa có dữ liệu. Bước tiếp "
        "theo: {office} "
        "sửa và công bố lại.",
        "A row refused at publication lies here, so the ground counts as unmapped. Next step: {office} corrects and "
        "publishes it again.",
    ),
    "layer_empty": Message(
        "Lớp dữ liệu chưa được công bố. Bước tiếp theo: {office} công bố lớp, hoặc lấy ý kiến trực tiếp.",
        "The layer has not been published. Next step: {office} publishes it, or ask them directly.",
    ),
    "before_first_revision": Message(
        "Tại thời điểm được hỏi, lớp dữ liệu chưa được công bố lần nào. Bước tiếp theo: kiểm tra với thời "
        "điểm muộn hơn "
        "hoặc lấy ý kiến {office}.",
        "At the instant asked for the layer had never been published. Next step: check at a later instant, or ask "
        "{office}.",
    ),
    "layer_suspended": Message(
        "Lớp dữ liệu đang tạm dừng ({why}). Bước tiếp theo: lấy ý kiến {office}, kiểm tra lại khi lớp hoạt động.",
        "The layer is suspended ({why}). Next step: ask {office}; check again when it is served.",
    ),
    "layer_withdrawn": Message(
        "Lớp dữ liệu đã bị thu hồi ({why}). Bước tiếp theo: lấy ý kiến {office}.",
        "The layer was withdrawn ({why}). Next step: ask {office}.",
    ),
    "stale": Message(
        "Dữ liệu công bố ngày {published} đã quá hạn {days} ngày; kết quả dưới đây chỉ để tham khảo. Bước tiếp theo: "
        "{office} cập nhật hoặc xác nhận dữ liệu.",
        "The data of {published} is older than its limit of {days} days; what is shown is for reference "
        "only. Next step: "
        "{office} updates or confirms it.",
    ),
    "timeout": Message(
        "Quá thời gian cho phép khi đọc lớp dữ liệu. Bước tiếp theo: kiểm tra lại; nếu lặp lại, hãy báo quản trị.",
        "Reading the layer took too long. Next step: check again; if it happens again, tell the administrator.",
    ),
    "error": Message(
        "Không đọc hoặc không đo được lớp dữ liệu. Bước tiếp theo: kiểm tra lại; nếu lặp lại, hãy báo quản trị.",
        "The layer could not be read or measured. Next step: check again; if it happens again, tell the administrator.",
    ),
    "damaged": Message(
        "Dữ liệu kiểm tra của lớp này bị thiếu so với sổ ghi khi công bố, nên không được dùng. Bước tiếp theo: báo "
        "quản trị chạy 'lienthong doctor' và công bố lại lớp.",
        "What the layer was published with is not all there, so it is not used. Next step: tell the administrator to "
        "run 'lienthong doctor' and to publish the layer again.",
    ),
    "broken_measure": Message(
        "Kết quả đo không nhất quán nên không được dùng. Bước tiếp theo: lấy ý kiến {office} và báo quản trị.",
        "The measures contradict each other and are not used. Next step: ask {office} and tell the administrator.",
    ),
    "too_many_candidates": Message(
        "Có quá nhiều đối tượng quanh khu đất để trả lời ngay. Bước tiếp theo: dùng 'lienthong batch' hoặc "
        "chia nhỏ khu đất.",
        "Too many features around the subject for an instant answer. Next step: use 'lienthong batch' or "
        "split the shape.",
    ),
    "needs_parcel": Message(
        "Chỉ kiểm tra được với thửa đất có số hiệu, không dùng được hình vẽ. Bước tiếp theo: kiểm tra theo "
        "số tờ, số thửa.",
        "This can be checked for a registered parcel only, not for a drawn shape. Next step: check by sheet "
        "and parcel.",
    ),
    "no_numbers": Message(
        "Thửa đất không có số tờ, số thửa hay mã định danh để đối chiếu. Bước tiếp theo: lấy ý kiến {office}.",
        "The parcel carries no number or code to compare. Next step: ask {office}.",
    ),
    "raster_missing": Message(
        "Không tìm thấy tệp ảnh của phiên bản này. Bước tiếp theo: lấy ý kiến {office}; báo quản trị khôi phục tệp.",
        "The file of this revision's raster is not there. Next step: ask {office}; the administrator restores it.",
    ),
    "raster_damaged": Message(
        "Tệp ảnh của phiên bản này bị hỏng hoặc không khớp mã băm nên không được dùng. Bước tiếp theo: lấy ý kiến "
        "{office}; báo quản trị khôi phục tệp.",
        "The file of this revision's raster is damaged or is not the one that was published. Next step: ask {office}; "
        "tell the administrator to restore it.",
    ),
    "raster_too_large": Message(
        "Khu đất phủ quá nhiều ô ảnh để trả lời ngay. Bước tiếp theo: chia nhỏ khu đất hoặc lấy ý kiến {office}.",
        "The subject covers too many cells for an answer. Next step: split the shape, or ask {office}.",
    ),
    "no_right": Message(
        "Bạn không có quyền xem dữ liệu của lớp này. Bước tiếp theo: lấy ý kiến {office}.",
        "You may not see the data of this layer. Next step: ask {office}.",
    ),
    "reduced": Message(
        "Lớp dữ liệu này chỉ cho biết kết quả, không cho biết đối tượng, số đo, thời điểm. Bước tiếp theo, nếu "
        "cần: lấy ý kiến {office}.",
        "Of this layer only the outcome is told: no features, measures or dates. Next step, if needed: ask "
        "{office}.",
    ),
    "needs_dossier": Message(
        "Lớp dữ liệu này chỉ dùng để kiểm tra theo hồ sơ. Bước tiếp theo: nêu mã hồ sơ đã đăng ký rồi kiểm tra "
        "lại, hoặc lấy ý kiến {office}.",
        "This layer answers for a registered dossier only. Next step: check again naming the dossier, or ask "
        "{office}.",
    ),
    "needs_purpose": Message(
        "Lớp dữ liệu này chỉ dùng để kiểm tra theo hồ sơ và mục đích. Bước tiếp theo: nêu mục đích sử dụng được "
        "giao rồi kiểm tra lại, hoặc lấy ý kiến {office}.",
        "This layer answers for a dossier and a purpose only. Next step: check again stating a purpose that was "
        "given to you, or ask {office}.",
    ),
    "not_bound": Message(
        "Hồ sơ chưa được đăng ký cho khu đất và thủ tục này, đã đóng, hoặc không do cơ quan bạn thụ lý. Bước tiếp "
        "theo: đề nghị bộ phận một cửa đăng ký hồ sơ (thửa đất, tệp đo vẽ) rồi kiểm tra lại, hoặc lấy ý kiến "
        "{office}.",
        "The dossier is not registered for this ground and procedure, is closed, or is not with your office. Next "
        "step: have the one-stop desk register it (parcel, survey file) and check again, or ask {office}.",
    ),
    "quota_dossier": Message(
        "Hồ sơ đã dùng hết số lần kiểm tra lớp dữ liệu này. Bước tiếp theo: xem lại kết quả đã có của hồ sơ, hoặc "
        "lấy ý kiến {office}.",
        "The dossier's checks of this layer are used up. Next step: read the earlier answers of the dossier, or "
        "ask {office}.",
    ),
    "quota_day": Message(
        "Bạn đã dùng hết số lần kiểm tra loại này trong ngày. Bước tiếp theo: kiểm tra lại vào ngày mai, hoặc lấy "
        "ý kiến {office}.",
        "Your checks of this kind are used up for today. Next step: check again tomorrow, or ask {office}.",
    ),
    "not_disclosed": Message(
        "Lần kiểm tra này không được cho biết kết quả: hồ sơ chưa được đăng ký cho khu đất và thủ tục, hoặc đã hết số "
        "lần. Bước tiếp theo: xem hồ sơ rồi kiểm tra lại, hoặc lấy ý kiến {office}.",
        "This check was not told the outcome: its dossier was not registered for the ground and procedure, or its "
        "answers were used up. Next step: look at the dossier and check again, or ask {office}.",
    ),
    "open_apart": Message(
        "Danh sách không cho biết kết quả này. Bước tiếp theo: mở riêng lần kiểm tra.",
        "A list does not tell this outcome. Next step: open the check by itself.",
    ),
    "restricted": Message(
        "Nội dung này được kiểm tra nhưng không được nêu tên. Bước tiếp theo: lấy ý kiến cơ quan chủ trì thủ tục.",
        "This was checked and is not named. Next step: ask the office in charge of the procedure.",
    ),
    "not_asked_here": Message("Không thuộc trường hợp phải kiểm tra.", "Not asked in this case."),
    "withdrawn_since": Message(
        "Lớp dữ liệu đã bị thu hồi sau lần kiểm tra này; thông tin đối tượng không còn được hiển thị.",
        "The layer was withdrawn after this check; its features are no longer shown.",
    ),
    "within_accuracy": Message(
        "Kết quả thay đổi trong phạm vi sai số vị trí. Bước tiếp theo: đo đạc thực địa hoặc lấy ý kiến {office}.",
        "The result changes within the positional accuracy. Next step: survey on site, or ask {office}.",
    ),
    "origin_unknown": Message(
        "Khoảng cách theo quy định tính từ một vị trí mà lớp dữ liệu không thể hiện (chỉ có tim, tâm, ranh khu đất), "
        "nên chưa kết luận được. Bước tiếp theo: {office} cho biết vị trí đó, hoặc đo đạc thực địa.",
        "The legal distance is taken from a place that the layer does not show (only a middle, or a site, is known), "
        "so nothing is concluded. Next step: {office} says where it lies, or survey on site.",
    ),
    "distance_assumed": Message(
        "Đối tượng chưa ghi phạm vi hoặc loại để xác định khoảng cách; phạm vi giả định chỉ dẫn đến 'Cần xem xét'. "
        "Bước tiếp theo: {office} bổ sung phạm vi được phê duyệt.",
        "The feature does not say how far it reaches; the assumed distance can at most refer. Next step: {office} adds "
        "the approved width or class.",
    ),
    "distance_beyond_limit": Message(
        "Lớp dữ liệu có đối tượng với phạm vi lớn hơn mức quy tắc tìm kiếm, nên không được dùng. Bước tiếp theo: báo "
        "quản trị tăng at_most_m hoặc {office} sửa dữ liệu.",
        "The layer holds a feature that reaches farther than the rule looks, so it is not used. Next step: the "
        "administrator raises at_most_m, or {office} corrects the data.",
    ),
    "no_registered_area": Message(
        "Không có diện tích theo giấy chứng nhận để so sánh. Bước tiếp theo: xem giấy chứng nhận.",
        "There is no area on a certificate to compare with. Next step: look at the certificate.",
    ),
    "not_in_force_unknown": Message(
        "Không rõ hiệu lực của một đối tượng; đối tượng vẫn được tính. Bước tiếp theo: hỏi {office}.",
        "The validity of a feature is unknown; it was counted. Next step: ask {office}.",
    ),
    "unverified_rule": Message(
        "Quy tắc này chưa được đối chiếu với văn bản gốc, nên chỉ đưa đến 'Cần xem xét'.",
        "This rule has not been verified against the legal text and can at best refer.",
    ),
    "sum": Message(
        "Từng đối tượng riêng lẻ dưới ngưỡng, nhưng tổng diện tích vượt ngưỡng.",
        "Each feature alone is below the threshold; together they exceed it.",
    ),
    "conflict": Message(
        "Một căn cứ đáp ứng nhưng căn cứ khác mâu thuẫn. Bước tiếp theo: người thụ lý xem xét.",
        "One ground is met and another contradicts it. Next step: the officer decides.",
    ),
    "member_not_checked": Message(
        "Có căn cứ chưa kiểm tra được. Bước tiếp theo: xem lý do của căn cứ đó.",
        "One of the grounds was not checked. Next step: see its reason.",
    ),
    "grounds_not_mapped": Message(
        "Chưa có đủ dữ liệu cho các căn cứ tại đây. Bước tiếp theo: lấy ý kiến {office}.",
        "The grounds are not fully mapped here. Next step: ask {office}.",
    ),
    "plot_rule": Message(
        "Áp dụng: {rule}, {commune}; {what} tối thiểu {bound}, đo được {measured}.",
        "Applied: {rule}, {commune}; {what} of at least {bound}, measured {measured}.",
    ),
    "no_commune": Message(
        "Không xác định được phường/xã của khu đất từ lớp địa giới. Bước tiếp theo: lấy ý kiến {office}.",
        "The commune of the plot could not be told from the layer of communes. Next step: ask {office}.",
    ),
    "no_plot_rule": Message(
        "Chưa có quy định về diện tích, kích thước tối thiểu cho loại đất này tại phường/xã này. "
        "Bước tiếp theo: lấy ý kiến {office}.",
        "Nothing is laid down for plots of this land type in this commune. Next step: ask {office}.",
    ),
    "no_row": Message("Không có quy định: {commune}.", "Nothing laid down: {commune}."),
    "rules_differ": Message(
        "Khu đất nằm trên nhiều phường/xã có quy định khác nhau. Bước tiếp theo: lấy ý kiến {office}.",
        "The plot lies in several communes whose rules differ. Next step: ask {office}.",
    ),
    "no_frontage": Message(
        "Không thấy cạnh thửa đất giáp đường nên không đo được chiều sâu.",
        "No side of the plot along a road was found, so that its depth cannot be taken.",
    ),
    "private_path": Message(
        "Dữ liệu chưa cho thấy đủ lối đi; lối đi có thể là phần đất các bên thỏa thuận. Bước tiếp theo: xác minh.",
        "The data do not show enough of an access; it may be a path that the parties agreed on. Next step: verify it.",
    ),
    "member_withheld": Message(
        "Có căn cứ bạn không có quyền xem. Bước tiếp theo: lấy ý kiến cơ quan quản lý dữ liệu.",
        "One of the grounds may not be shown to you. Next step: ask its office.",
    ),
}  # fmt: skip


def reason(code: str, **values: str | Message) -> Reason:
    """The reason as JSON has it. Messages among the values go in by language; an unknown code speaks for itself."""
    text = _TEXTS.get(code, Message(code, code))
    return {"code": code, "message": {"vi": _filled(text.vi, "vi", values), "en": _filled(text.en, "en", values)}}


def _filled(text: str, language: str, values: dict[str, str | Message]) -> str:
    office = "cơ quan quản lý dữ liệu" if language == "vi" else "the office that manages the data"
    told = {name: v.in_language(language) if isinstance(v, Message) else v for name, v in values.items()}
    return text.format_map({"office": office, "why": "-", "share": "-", "published": "-", "days": "-", **told})
