SELECT regexp_extract(f.file_path, $show, 1) AS show_name,
       f.status,
       json_extract_scalar(fault.entry, '$.code') AS code,
       count(DISTINCT f.file_id) AS files
FROM files AS f
CROSS JOIN UNNEST(TRY_CAST(json_parse(f.errors_json) AS array(json))) AS fault (entry)
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
