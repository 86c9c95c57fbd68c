-- Which faults do the files of each show have?
--
-- Count every fault by its code. [TROUBLESHOOTING.md](TROUBLESHOOTING.md) has a remedy for each.
--
-- | show_name | status | code | files |
-- |---|---|---|---|
-- | hill | incomplete | CHUNKS_MISSING | 1 |
-- | tide | corrupt | HEADER_CORRUPT | 1 |
-- | tide | incomplete | EMPTY_FILE | 1 |
-- | tide | unsupported | NOT_AN_EXR | 1 |
SELECT regexp_extract(f.file_path, $show, 1) AS show_name,
       f.status,
       json_extract_string(fault.value, '$.code') AS code,
       count(DISTINCT f.file_id) AS files
FROM files AS f, json_each(f.errors_json) AS fault
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
